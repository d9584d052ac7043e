"""What to do next: recommendations, the order in which they matter, and what their owner may decide."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from vaultra.domain.first_steps import FIRST_STEPS, Effort
from vaultra.domain.paging import Place


class Priority(StrEnum):
    """How much is at stake."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Status(StrEnum):
    """What became of a recommendation; `resolved` means that its reason is gone, which only we decide."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    RESOLVED = "resolved"


Decision = Literal[Status.ACCEPTED, Status.DISMISSED, Status.PENDING]
"""What an owner may make of a recommendation; `pending` takes an acceptance back."""

LIVE = frozenset({Status.PENDING, Status.ACCEPTED})
"""It still stands; of one rule there is one such recommendation at most."""

PRIORITY_RANK = {Priority.HIGH: 3, Priority.MEDIUM: 2, Priority.LOW: 1}
# An impact nobody could tell comes after every one that was told.
UNKNOWN_IMPACT_RANK = -(2**31)

# Once dismissed or resolved it is over: its rule may have made a new one since, and two of a rule never live at once.
_POSSIBLE: dict[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.ACCEPTED, Status.DISMISSED}),
    Status.ACCEPTED: frozenset({Status.DISMISSED, Status.PENDING}),
    Status.DISMISSED: frozenset(),
    Status.RESOLVED: frozenset(),
}


@dataclass(frozen=True)
class Recommendation:
    """One thing to do. `estimated_impact` is in points of the score, None when it could not be told.

    `metric_refs` are the keys of the metrics it rests on; `article` names the page that explains how, None without one.
    `rule_key` names the rule that gave it. `evidence` is how the score and these metrics stood when it was made, None
    where that was not kept; `proof` how they stood before and after, None unless it is resolved. `reason` is why its
    owner dismissed it, None when they did not say.
    """

    id: UUID
    business_id: UUID
    rule_key: str
    title: str
    description: str
    priority: Priority
    category: str
    status: Status
    estimated_impact: int | None
    metric_refs: tuple[str, ...]
    article: str | None
    created_at: dt.datetime
    evidence: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None
    reason: str | None = None

    @property
    def effort(self) -> Effort | None:
        """How much work it is; None when its rule is no more in the catalogue."""
        step = FIRST_STEPS.get(self.rule_key)
        return None if step is None else step.effort

    @property
    def first_step(self) -> str | None:
        """What to do today; None when its rule is no more in the catalogue."""
        step = FIRST_STEPS.get(self.rule_key)
        return None if step is None else step.sentence

    @property
    def place(self) -> Place:
        """Where it stands in its business's list: by priority, then impact, then the newest first."""
        impact = UNKNOWN_IMPACT_RANK if self.estimated_impact is None else self.estimated_impact
        return Place((PRIORITY_RANK[self.priority], impact), self.created_at, self.id)

    def may_become(self, status: Status) -> bool:
        """Whether its owner may still decide so."""
        return status in _POSSIBLE[self.status]
