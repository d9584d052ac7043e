"""The request and the reply about what changed between two scores."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from vaultra.domain.changes import RuleChange, summary
from vaultra.domain.disclaimer import DISCLAIMER
from vaultra.domain.money import to_number
from vaultra.domain.moved_objects import FRAMES, MovedObject, MovedObjects, Movement, ObjectKind, sentence
from vaultra.domain.readiness import StoredScore, TierKey
from vaultra.schemas import Params, Reply
from vaultra.usecases.score_changes import ExplainedChange

# A date, or a time with its zone.
_MOMENT = r"^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2}))?$"


def _read_moment(text: object) -> dt.datetime:
    try:
        if not isinstance(text, str) or not text.isascii() or not re.fullmatch(_MOMENT, text):
            raise ValueError
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("moment", "must be a date (2026-11-20) or a time (2026-11-20T15:30:00Z)") from None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


if TYPE_CHECKING:
    Moment = dt.datetime
else:
    Moment = Annotated[
        dt.datetime, BeforeValidator(_read_moment), WithJsonSchema({"type": "string", "pattern": _MOMENT})
    ]


class ChangesParams(Params):
    """Since when: a date stands for its first moment, UTC."""

    business_id: UUID | None = None
    since: Moment | None = Field(default=None, description="30 days ago when it is not named.")


class StoredScoreReply(Reply):
    """One end of a comparison."""

    score: int
    tier: TierKey
    scored_on: dt.date
    created_at: dt.datetime
    formula_version: str

    @classmethod
    def of(cls, score: StoredScore) -> Self:
        return cls(**{name: getattr(score, name) for name in cls.model_fields})


class MovedObjectReply(Reply):
    """Something that began or ceased to count; `amount` in the major unit of `currency`, `outcome` in Stripe's word."""

    kind: ObjectKind
    id: str | None
    on: dt.date
    amount: float | None
    currency: str | None
    movement: Movement
    outcome: str | None

    @classmethod
    def of(cls, moved: MovedObject) -> Self:
        whole = moved.amount_minor is not None and moved.currency is not None
        return cls(
            kind=moved.kind,
            id=moved.id,
            on=moved.on,
            amount=to_number(moved.amount_minor or 0, moved.currency or "") if whole else None,
            currency=moved.currency,
            movement=moved.movement,
            outcome=moved.outcome,
        )


class MovedObjectsReply(Reply):
    """How many came into the days a rule looks at, turned bad in them, or left them; the newest are listed."""

    kind: ObjectKind
    came: int
    turned: int
    left: int
    sentence: str
    objects: list[MovedObjectReply]

    @classmethod
    def of(cls, rule: str, moved: MovedObjects) -> Self:
        return cls(
            kind=moved.kind,
            came=moved.came,
            turned=moved.turned,
            left=moved.left,
            sentence=sentence(moved, FRAMES[rule]),
            objects=[MovedObjectReply.of(one) for one in moved.objects],
        )


class RuleStateReply(Reply):
    """What a score said of a rule."""

    points: int
    band: str
    value: float | str | None
    sample: int | None


class RuleChangeReply(Reply):
    """One rule's part in the difference, in points."""

    key: str
    label: str
    unit: str
    difference: int
    before: RuleStateReply
    after: RuleStateReply
    sentence: str
    moved: list[MovedObjectsReply]

    @classmethod
    def of(cls, change: RuleChange, moved: Iterable[MovedObjects]) -> Self:
        return cls(
            key=change.key,
            label=change.label,
            unit=change.unit,
            difference=change.difference,
            before=RuleStateReply(**vars(change.before)),
            after=RuleStateReply(**vars(change.after)),
            sentence=change.sentence,
            moved=[MovedObjectsReply.of(change.key, one) for one in moved],
        )


class ChangesReply(Reply):
    """The difference of two scores: the differences of the rules and `clamp` add up to it exactly.

    `clamp` is what the limits 0 and 100 add or take; where the formula changed, what that changed beside the rules.
    """

    before: StoredScoreReply
    after: StoredScoreReply
    difference: int
    clamp: int
    formula_changed: bool
    summary: str
    rules: list[RuleChangeReply]
    disclaimer: str

    @classmethod
    def of(cls, explained: ExplainedChange) -> Self:
        change = explained.change
        return cls(
            before=StoredScoreReply.of(change.before),
            after=StoredScoreReply.of(change.after),
            difference=change.difference,
            clamp=change.clamp,
            formula_changed=change.formula_changed,
            summary=summary(change, explained.today),
            rules=[RuleChangeReply.of(rule, explained.objects.get(rule.key, ())) for rule in change.rules],
            disclaimer=DISCLAIMER,
        )
