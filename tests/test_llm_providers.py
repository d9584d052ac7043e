"""Which models are asked, and in which order, by what the environment names."""

import pytest

from vaultra.errors import Unavailable
from vaultra.services import Services

KEY, HERE = {"OPENAI_API_KEY": "sk-test"}, {"OLLAMA_BASE_URL": "http://127.0.0.1:11434"}
VARIABLES = ("LLM_PROVIDER", "OPENAI_API_KEY", "OLLAMA_BASE_URL")


def asked(monkeypatch: pytest.MonkeyPatch, **given: str) -> list[str]:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return [provider.name for provider in Services().llm_providers]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, []),
        (KEY, ["openai"]),
        (HERE, ["ollama"]),
        ({**KEY, **HERE}, ["openai", "ollama"]),
        ({**KEY, **HERE, "LLM_PROVIDER": "openai"}, ["openai", "ollama"]),
        # Whoever chose the model at home does not want questions to leave it.
        ({**KEY, **HERE, "LLM_PROVIDER": "ollama"}, ["ollama"]),
        ({**KEY, "LLM_PROVIDER": "ollama"}, ["ollama"]),
        ({**KEY, **HERE, "LLM_PROVIDER": "embedded"}, []),
        ({**KEY, "LLM_PROVIDER": ""}, ["openai"]),
    ],
)
def test_models_are_asked_in_this_order(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], expected: list[str]
) -> None:
    assert asked(monkeypatch, **given) == expected


def test_a_model_that_is_chosen_and_not_set_up_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="OPENAI_API_KEY"):
        asked(monkeypatch, LLM_PROVIDER="openai")


def test_a_provider_that_does_not_exist_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unavailable, match="LLM_PROVIDER"):
        asked(monkeypatch, LLM_PROVIDER="skynet")
