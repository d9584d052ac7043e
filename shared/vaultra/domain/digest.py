"""What a digest tells of each business: what changed since the last one, and what to do next."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from vaultra.domain.changes import RuleChange, ScoreChange, attribute
from vaultra.domain.notifications import Digest
from vaultra.domain.readiness import StoredScore
from vaultra.domain.recommendations import PRIORITY_RANK, UNKNOWN_IMPACT_RANK, Priority

PERIODS = {Digest.DAILY: dt.timedelta(days=1), Digest.WEEKLY: dt.timedelta(days=7)}
# The last digest may be a day late, and a weekly one comes a week later; what is older says nothing of this period.
LONGEST_PERIOD = dt.timedelta(days=8)


@dataclass(frozen=True)
class Reader:
    """Whom a digest is for; `last_sent_at` is when the one before went out, None before the first."""

    email: str
    digest: Digest
    time_zone: str
    last_sent_at: dt.datetime | None


class Access(StrEnum):
    """Whether we can read the business's Stripe account."""

    NEVER = "never"
    CONNECTED = "connected"
    FAILING = "error"
    DISCONNECTED = "disconnected"


class EventKind(StrEnum):
    """What an owner wants to hear of, whatever it does to the score; an inquiry may become a dispute."""

    DISPUTE = "dispute"
    INQUIRY = "inquiry"
    FAILED_PAYOUT = "failed_payout"


@dataclass(frozen=True)
class Events:
    """How many events of one kind the period brought, over how much together, in one currency."""

    kind: EventKind
    count: int
    amount_minor: int
    currency: str


@dataclass(frozen=True)
class Step:
    """An open recommendation. `impact` is in points, None when it could not be told."""

    title: str
    priority: Priority
    impact: int | None
    created_at: dt.datetime


@dataclass(frozen=True)
class BusinessNews:
    """What there is to tell of one business.

    Attributes:
        now, then: The score as it stands, and as it stood when the period began; None without one.
        access: Whether its Stripe account can be read; `trouble` says in words for its owner why not.
        computed_at: When its figures were computed; None before the first time.
        stale: Whether newer figures should be there by now.
        events: What happened in the period.
        steps: Its open recommendations, the weightiest first; `new_steps` of them are of this period.
    """

    id: UUID
    name: str
    now: StoredScore | None
    then: StoredScore | None
    access: Access
    trouble: str | None
    computed_at: dt.datetime | None
    stale: bool
    events: tuple[Events, ...]
    steps: tuple[Step, ...]
    new_steps: int

    @property
    def change(self) -> ScoreChange | None:
        """How the score moved, rule by rule; None without a score at both ends of the period."""
        return None if self.now is None or self.then is None else attribute(self.then, self.now)

    @property
    def moves(self) -> tuple[RuleChange, ...]:
        """The rules that now give other points, the greatest difference first."""
        rules = () if self.change is None else self.change.rules
        return tuple(rule for rule in rules if rule.difference)

    @property
    def is_new(self) -> bool:
        """Whether anything happened in the period."""
        first_score = self.now is not None and self.then is None
        moved = self.change is not None and self.change.difference != 0
        return bool(first_score or moved or self.moves or self.events or self.new_steps)


@dataclass(frozen=True)
class DigestFacts:
    """One digest, of its reader's `day`, about what happened from `since` on; `since_day` is the day of that for them.

    `businesses` are listed from the worst score to the best, those without one last.
    """

    weekly: bool
    time_zone: str
    day: dt.date
    since: dt.datetime
    since_day: dt.date
    businesses: tuple[BusinessNews, ...]


def period_start(reader: Reader, now: dt.datetime) -> dt.datetime:
    """Where the period that a digest tells of begins: where the last one's ended, so that nothing is left out."""
    last = reader.last_sent_at
    return last if last is not None and now - last <= LONGEST_PERIOD else now - PERIODS[reader.digest]


def weightiest(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Open recommendations as their list shows them: by priority, then impact, then the newest first."""

    def weight(step: Step) -> tuple[int, int, dt.datetime]:
        impact = UNKNOWN_IMPACT_RANK if step.impact is None else step.impact
        return PRIORITY_RANK[step.priority], impact, step.created_at

    return tuple(sorted(steps, key=weight, reverse=True))


def worst_first(news: Sequence[BusinessNews]) -> list[BusinessNews]:
    """The lowest score first, then by name; those without a score last."""

    def place(business: BusinessNews) -> tuple[bool, int, str, str]:
        score = 0 if business.now is None else business.now.score
        return business.now is None, score, business.name.lower(), str(business.id)

    return sorted(news, key=place)
