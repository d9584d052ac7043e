"""Where one machine keeps what must outlive a stop: data, generated secrets, logs."""

import json
import os
import secrets
import shutil
from pathlib import Path

from vaultra_local import postgres
from vaultra_local.catalogue import ROOT
from vaultra_local.lock import hold

LENGTHS = {"JWT_SECRET": 32, "STRIPE_WEBHOOK_SECRET": 24}
PREFIXES = {"STRIPE_WEBHOOK_SECRET": "whsec_"}


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
        known |= {name: PREFIXES.get(name, "") + secrets.token_urlsafe(LENGTHS[name]) for name in missing}
        partial = file.with_suffix(".new")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(known, indent=2))
        partial.replace(file)
    return known


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
