"""What a digest tells of, in a database: people, businesses with scores, disputes, payouts, figures."""

import datetime as dt
import uuid
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert, select

from tests import rows
from vaultra.db import models
from vaultra.domain.readiness import BASE_SCORE, RULES, StoredScore, tier_of

HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
# A Friday; seven in the morning in Berlin, and in New York.
BERLIN_MORNING = dt.datetime(2026, 11, 20, 6, 10, tzinfo=dt.UTC)
NEW_YORK_MORNING = dt.datetime(2026, 11, 20, 12, 10, tzinfo=dt.UTC)
GOOD = {"revenue_trend": "increasing", "chargeback_ratio": "low", "payout_reliability": "reliable"}


def a_reader(db: Connection, **given: Any) -> UUID:
    """A person who reads the digest in Berlin, as given and otherwise ordinary."""
    email = f"{uuid.uuid4().hex}@example.com"
    return rows.add(db, models.User, **{"email": email, "name": "Ana", "time_zone": "Europe/Berlin", **given})


def a_scored_reader(db: Connection, at: dt.datetime = BERLIN_MORNING - 2 * DAY, **given: Any) -> tuple[UUID, UUID]:
    """A reader and their business, which has had a score since then."""
    reader = a_reader(db, **given)
    business = rows.a_business(db, owner=reader)
    a_score(db, business, at)
    return reader, business


def stored_score(at: dt.datetime, bands: dict[str, str] | None = None, **given: Any) -> StoredScore:
    """The score that these bands, by rule, give, as it was stored then; what is given replaces parts of it."""
    found = GOOD if bands is None else bands
    parts = [(rule, next((b for b in rule.bands if b.key == found.get(rule.key)), None)) for rule in RULES]
    assert sum(band is not None for _, band in parts) == len(found), "a band of each rule named"
    points = max(0, min(100, BASE_SCORE + sum(band.points for _, band in parts if band is not None)))
    rules = [
        {
            "key": rule.key,
            "label": rule.label,
            "points": 0 if band is None else band.points,
            "band": "not_measured" if band is None else band.key,
            "value": None,
            "sample": None,
        }
        for rule, band in parts
    ]
    score = StoredScore(
        id=uuid.uuid4(),
        business_id=uuid.uuid4(),
        snapshot_id=None,
        scored_on=at.date(),
        score=points,
        tier=tier_of(points).key,
        seed_score=points,
        confidence_low=points,
        confidence_high=points,
        provisional=False,
        components={"rules": rules},
        formula_version="1",
        created_at=at,
    )
    return replace(score, **given)


def a_score(db: Connection, business_id: UUID, at: dt.datetime, bands: dict[str, str] | None = None) -> StoredScore:
    """The same, stored."""
    score = stored_score(at, bands, business_id=business_id)
    db.execute(insert(models.ReadinessScore).values(vars(score)))
    return score


def an_account(db: Connection, business_id: UUID, **given: Any) -> UUID:
    """The business's Stripe account, as given and otherwise connected."""
    ordinary = {
        "provider": "stripe",
        "external_id": f"acct_{uuid.uuid4().hex}",
        "livemode": True,
        "status": "connected",
        "connected_at": BERLIN_MORNING - 100 * DAY,
    }
    return rows.add(db, models.IntegrationAccount, business_id=business_id, **{**ordinary, **given})


def figures(db: Connection, business_id: UUID, computed_at: dt.datetime) -> None:
    """A snapshot of metrics, of which only the time matters here."""
    day = computed_at.date()
    rows.add(
        db,
        models.FinancialMetricSnapshot,
        business_id=business_id,
        period_start=day - 29 * DAY,
        period_end=day,
        metrics_json={},
        computed_at=computed_at,
    )


def a_dispute(db: Connection, account_id: UUID, at: dt.datetime, amount_minor: int, **given: Any) -> None:
    """A dispute that came in then."""
    ordinary = {"amount_minor": amount_minor, "status": "needs_response"}
    _add_object(db, models.Dispute, account_id, at, **{**ordinary, **given})


def a_failed_payout(db: Connection, account_id: UUID, at: dt.datetime, amount_minor: int, **given: Any) -> None:
    """A payout whose money came back then."""
    back = f"txn_{uuid.uuid4().hex}"
    _add_object(
        db,
        models.BalanceTransaction,
        account_id,
        at,
        id=back,
        amount_minor=amount_minor,
        net_minor=amount_minor,
        fee_minor=0,
        type="payout_failure",
    )
    ordinary = {"amount_minor": amount_minor, "arrival_on": at.date(), "status": "failed"}
    _add_object(db, models.Payout, account_id, at - 5 * DAY, failure_balance_transaction=back, **{**ordinary, **given})


def _add_object(db: Connection, table: Any, account_id: UUID, at: dt.datetime, **given: Any) -> None:
    account = models.IntegrationAccount
    business_id = db.execute(select(account.business_id).where(account.id == account_id)).scalar_one()
    ordinary = {
        "id": f"obj_{uuid.uuid4().hex}",
        "currency": "usd",
        "business_id": business_id,
        "created_at": at,
        "version_at": at,
        "content_hash": "x",
    }
    db.execute(insert(table).values({**ordinary, "integration_account_id": account_id, **given}))
