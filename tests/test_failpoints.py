"""Failpoints: silent unless the environment is a test's and names one."""

from collections.abc import Iterator

import pytest

from vaultra import failpoints


@pytest.fixture(autouse=True)
def _read_anew() -> Iterator[None]:
    failpoints.active.cache_clear()
    yield
    failpoints.active.cache_clear()


@pytest.mark.parametrize("environment", ["", "production", "TEST", "demo"])
def test_outside_of_tests_nothing_fails(environment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTRA_FAILPOINTS", "committed=raise")
    monkeypatch.setenv("VAULTRA_ENVIRONMENT", environment)
    failpoints.reach("committed")


def test_only_the_named_place_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTRA_ENVIRONMENT", "test")
    monkeypatch.setenv("VAULTRA_FAILPOINTS", "announced=raise, other=exit")
    failpoints.reach("committed")
    with pytest.raises(failpoints.FailpointReached, match="announced"):
        failpoints.reach("announced")


def test_a_place_may_fail_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTRA_ENVIRONMENT", "test")
    monkeypatch.setenv("VAULTRA_FAILPOINTS", "never=raise:0,always=raise:1")
    for _ in range(50):
        failpoints.reach("never")
        with pytest.raises(failpoints.FailpointReached, match="always"):
            failpoints.reach("always")


def test_by_default_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULTRA_FAILPOINTS", raising=False)
    monkeypatch.setenv("VAULTRA_ENVIRONMENT", "test")
    failpoints.reach("committed")


def test_an_unknown_action_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULTRA_ENVIRONMENT", "test")
    monkeypatch.setenv("VAULTRA_FAILPOINTS", "committed=explode")
    with pytest.raises(ValueError, match="explode"):
        failpoints.reach("committed")
