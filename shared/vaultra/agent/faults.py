"""Why a sentence may not be said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "number", "label", "time", "currency", "date", "tier", "direction", "lender", "citation", "support", "link",
    "markup", "id", "promise", "action", "disclaimer", "multiple", "unread", "repetition", "judgement",
]  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """Why a sentence may not be said. `text` is the part of it, `reason` what a model can do better."""

    kind: Kind
    text: str
    reason: str
