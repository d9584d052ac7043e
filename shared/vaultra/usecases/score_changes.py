"""The scores a business had, and what made the difference between two of them."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from vaultra.db import metrics, score_history
from vaultra.db import moved_objects as objects
from vaultra.db.score_history import DayScore
from vaultra.domain.changes import ScoreChange, attribute
from vaultra.domain.moved_objects import (
    FRAMES,
    Moment,
    MovedObjects,
    moved_negative_days,
    moved_payouts,
    negative_days,
)
from vaultra.domain.period import Days, utc_date
from vaultra.errors import Unprocessable
from vaultra.usecases import readiness

USUAL_SPAN = dt.timedelta(days=30)
# No score is older; what is asked for before it means the first one.
EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class ExplainedChange:
    """The difference of two scores with the objects behind it, by the key of the rule that counts them.

    Attributes:
        today: The day on which it is told.
    """

    change: ScoreChange
    objects: Mapping[str, tuple[MovedObjects, ...]]
    today: dt.date


def history(conn: Connection, business_id: UUID, days: int) -> list[DayScore]:
    """The score each of the latest days ended with, newest first; days without one are not in it."""
    return score_history.list_day_scores(conn, business_id, days)


def explain(conn: Connection, business_id: UUID, since: dt.datetime | None, now: dt.datetime) -> ExplainedChange:
    """What changed since a time; since 30 days ago when none is named, and since the first score if that is later.

    Raises:
        NoData: there is no score yet.
        Unprocessable: the time is in the future.
    """
    if since is not None and since > now:
        reason = "must not be in the future"
        raise Unprocessable(f"since {reason}", details={"field": "since", "reason": reason})
    after = readiness.current(conn, business_id).latest
    at = max(since or now - USUAL_SPAN, EARLIEST)
    before = score_history.find_score_at(conn, business_id, at)
    before = before or score_history.find_first_score(conn, business_id) or after
    change = attribute(before, after)
    return ExplainedChange(change, _moved(conn, business_id, change), utc_date(now))


def _moved(conn: Connection, business_id: UUID, change: ScoreChange) -> dict[str, tuple[MovedObjects, ...]]:
    account = objects.find_account(conn, business_id)
    if account is None:
        return {}
    before, after = (Moment(score.scored_on, score.created_at) for score in (change.before, change.after))
    found: dict[str, tuple[MovedObjects, ...]] = {}
    for rule in change.rules:
        frame = FRAMES.get(rule.key)
        if frame is None:
            continue
        if rule.key == "payout_reliability":
            both = Days(frame.days(before.scored_on).first, frame.days(after.scored_on).last)
            moved = [moved_payouts(objects.list_payouts_in_doubt(conn, account, both), before, after)]
        elif rule.key == "account_standing":
            moved = [moved_negative_days(*(_negative_days(conn, business_id, one.at) for one in (before, after)))]
        else:
            moved = [objects.moved(conn, account, kind, frame, before, after) for kind in frame.kinds]
        found[rule.key] = tuple(one for one in moved if one.total)
    return found


def _negative_days(conn: Connection, business_id: UUID, at: dt.datetime) -> list[dt.date]:
    facts = metrics.metric_facts(conn, [business_id], at).get(business_id)
    return [] if facts is None else negative_days(facts.balance, utc_date(at))
