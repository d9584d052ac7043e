"""Where one machine keeps what must outlive a stop: data, generated secrets, logs."""

import json
import os
import secrets
import shutil
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from vaultra.config import Settings
from vaultra_local import postgres
from vaultra_local.catalogue import ROOT
from vaultra_local.lock import hold

LENGTHS = {"JWT_SECRET": 32, "STRIPE_WEBHOOK_SECRET": 24, "TOKEN_ENCRYPTION_KEYS": 32}
ENVIRONMENT = "environment.json"
PREFIXES = {"STRIPE_WEBHOOK_SECRET": "whsec_"}
# A Fernet key is 32 bytes in base64, padding included.
SUFFIXES = {"TOKEN_ENCRYPTION_KEYS": "="}


def folder(mode: str) -> Path:
    """The folder of `dev` or `demo`: below VAULTRA_STATE, else below `.vaultra` in the repository."""
    chosen = os.environ.get("VAULTRA_STATE")
    return (Path(chosen).expanduser().absolute() if chosen else ROOT / ".vaultra") / mode


def generated_secrets(state: Path) -> dict[str, str]:
    """Secrets nobody has to choose on one machine; made once, readable by their owner only."""
    file = state / "secrets.json"
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    missing = [name for name in LENGTHS if name not in known]
    if missing:
        for name in missing:
            known[name] = PREFIXES.get(name, "") + secrets.token_urlsafe(LENGTHS[name]) + SUFFIXES.get(name, "")
        _write(file, known)
    return known


def keep_environment(state: Path, variables: Mapping[str, str]) -> None:
    """Remember what the functions find in their environment, readable by its owner only."""
    _write(state / ENVIRONMENT, {name: variables[name] for name in sorted(_settings() & set(variables))})


def enter_environment(mode: str, environment: MutableMapping[str, str]) -> bool:
    """Make an environment that of the `dev` or `demo` which runs, or ran last; False when there was none."""
    file = folder(mode) / ENVIRONMENT
    if not file.exists():
        return False
    for name in _settings():
        environment.pop(name, None)
    environment.update(json.loads(file.read_text()))
    return True


def _settings() -> set[str]:
    return {name.upper() for settings in Settings.__subclasses__() for name in settings.model_fields}


def _write(file: Path, content: Mapping[str, str]) -> None:
    partial = file.with_suffix(".new")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=2))
    partial.replace(file)


def erase(mode: str) -> bool:
    """Forget everything of `dev` or `demo`; False when there was nothing.

    Raises:
        AlreadyRunning: It is running.
    """
    state = folder(mode)
    if not state.exists():
        return False
    lock = hold(state)
    try:
        postgres.erase(state / "postgres")
        shutil.rmtree(state)
    finally:
        os.close(lock)
    return True
