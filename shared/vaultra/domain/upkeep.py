"""What becomes of a business's recommendations when its rules are asked again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from vaultra.domain.advice import Advice
from vaultra.domain.recommendations import LIVE, Status

# Who has dismissed something does not want to hear of it again soon.
QUIET = dt.timedelta(days=30)
# A condition that comes back within a day was never quite gone: a number at the edge of its band must not fill the
# list with one resolved recommendation an hour.
SAME_AGAIN = dt.timedelta(days=1)

Evidence = dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A stored recommendation that matters to its rule: live, dismissed not long ago, or resolved just now.

    `evidence` is how things stood when it was made, `decided_at` when its owner accepted or dismissed it (None while
    they have not), `updated_at` when it was last written.
    """

    id: UUID
    status: Status
    advice: Advice
    evidence: Evidence
    decided_at: dt.datetime | None
    updated_at: dt.datetime
    proof: dict[str, Evidence] | None = None


@dataclass(frozen=True)
class Upkeep:
    """What to write: advice to make recommendations of, with its evidence, and recommendations that change."""

    new: tuple[tuple[Advice, Evidence], ...]
    changed: tuple[Kept, ...]


def upkeep(
    advice: Sequence[Advice],
    kept: Sequence[Kept],
    evidence_of: Callable[[tuple[str, ...]], Evidence],
    now: dt.datetime,
) -> Upkeep:
    """Bring one business's recommendations to what its rules say now; asked again, there is nothing left to do.

    Of each rule at most one is live. A live one takes over the newest numbers and keeps its owner's decision. One
    whose condition is gone is resolved, with the numbers before and after. A dismissed one keeps its rule quiet for
    30 days.

    Args:
        kept: What is stored of this business; anything older than `QUIET` and not live may be left out.
        evidence_of: How the metrics of these keys stand now.
    """
    new: list[tuple[Advice, Evidence]] = []
    changed: list[Kept] = []
    for said in advice:
        of_rule = [item for item in kept if item.advice.rule_key == said.rule_key]
        same = _live(of_rule) or _just_resolved(of_rule, now)
        if same is not None:
            changed.append(replace(same, status=_status(same), advice=said, proof=None))
        elif not _is_quiet(of_rule, now):
            new.append((said, evidence_of(said.metric_refs)))
    spoken = {said.rule_key for said in advice}
    for item in kept:
        if item.status in LIVE and item.advice.rule_key not in spoken:
            proof = {"before": item.evidence, "after": evidence_of(item.advice.metric_refs)}
            changed.append(replace(item, status=Status.RESOLVED, proof=proof))
    return Upkeep(tuple(new), tuple(item for item in changed if item not in kept))


def _live(kept: Sequence[Kept]) -> Kept | None:
    return next((item for item in kept if item.status in LIVE), None)


def _just_resolved(kept: Sequence[Kept], now: dt.datetime) -> Kept | None:
    """The one that was resolved last, if within a day and nothing was dismissed since."""
    over = [item for item in kept if item.status is Status.RESOLVED and now - item.updated_at < SAME_AGAIN]
    return None if _is_quiet(kept, now) else max(over, key=lambda item: item.updated_at, default=None)


def _status(item: Kept) -> Status:
    """Of a live one its own; one that comes back is what its owner had made of it."""
    if item.status in LIVE:
        return item.status
    return Status.PENDING if item.decided_at is None else Status.ACCEPTED


def _is_quiet(kept: Sequence[Kept], now: dt.datetime) -> bool:
    return any(item.status is Status.DISMISSED and now - (item.decided_at or item.updated_at) < QUIET for item in kept)
