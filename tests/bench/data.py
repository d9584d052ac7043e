"""The database of the benchmarks: ten thousand businesses with what half a year of use leaves behind."""

import datetime as dt
import hashlib
import json
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from tests.domain import shops
from vaultra.db import engine as database
from vaultra.db import metrics, migrate, models, readiness
from vaultra.db.readiness import DayReadiness
from vaultra.domain.metric_set import MetricSet
from vaultra.domain.metrics import compute_metrics
from vaultra.domain.readiness import components_json, kept_components, score
from vaultra.domain.stored_metrics import STORED_KEYS, to_json
from vaultra.usecases import accounts, sessions

BUSINESSES = 10_000
WITH_HISTORY = 1_000  # these have a snapshot and a score of every day, the others of today only
HISTORY_DAYS = 90
# Businesses differ in what they sell, not in what is stored about them: a few shapes are enough.
SHOPS = (
    shops.shop(),
    shops.shop(shops.GROWING),
    shops.shop(tuple(reversed(shops.GROWING)), payouts=shops.paid(24, failed=2)),
    shops.shop((120_000, 0, 90_000, 170_000, 0, 80_000), payouts=shops.paid(3)),
)


def fill(url: str, *, secret: str, now: dt.datetime) -> list[str]:
    """Migrate the database behind the URL and fill it; gives bearer tokens of the owners with a history."""
    migrate.upgrade(url)
    engine = database.create(url, pool_size=1)
    with engine.begin() as conn:
        for statement in (USERS, BUSINESS_ROWS, MEMBERSHIPS, SESSIONS):
            conn.execute(text(statement), {"count": BUSINESSES, "now": now})
        computed = _store_shapes(conn, now)
        sizes = {"count": BUSINESSES, "shops": len(SHOPS), "long": WITH_HISTORY, "days": HISTORY_DAYS}
        conn.execute(text(_snapshots()), sizes)
        conn.execute(text(_scores()), sizes)
        _copy_for_the_baseline(conn, computed)
        conn.execute(text(RECOMMENDATIONS), {"count": BUSINESSES, "now": now})
        owners = [accounts.get_user(conn, _id("user", number)) for number in range(1, WITH_HISTORY + 1)]
        tokens = [sessions.begin(conn, owner, address="203.0.113.7", secrets=[secret], now=now) for owner in owners]
    engine.dispose()
    admin = database.create(url, pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text("vacuum analyze"))
        conn.execute(text("checkpoint"))
    admin.dispose()
    return tokens


def _id(kind: str, number: int) -> UUID:
    """As `md5(kind-number)::uuid` below."""
    return UUID(hashlib.md5(f"{kind}-{number}".encode()).hexdigest())


def _store_shapes(conn: Connection, now: dt.datetime) -> list[MetricSet]:
    """One business of each shape, computed, scored and stored by the product itself."""
    computed = {_id("business", number): compute_metrics(facts, shops.AS_OF) for number, facts in enumerate(SHOPS, 1)}
    metrics.upsert_snapshots(conn, computed, now)
    scores = [DayReadiness(business_id, known.period_end, score(known)) for business_id, known in computed.items()]
    readiness.insert_scores(conn, scores, now)
    return list(computed.values())


def _copy_for_the_baseline(conn: Connection, computed: list[MetricSet]) -> None:
    """The same snapshots and scores once more, their JSON as it is answered, which is how the usual stack keeps it."""
    scores = [score(known) for known in computed]
    told = {
        "financial_metric_snapshots": ("metrics_json", [(to_json(known), _readable(known)) for known in computed]),
        "readiness_scores": ("components", [(kept_components(one), components_json(one)) for one in scores]),
    }
    for table, (column, pairs) in told.items():
        names = conn.scalars(COLUMNS, {"table": table}).all()
        chosen = ", ".join("told.readable" if name == column else name for name in names)
        conn.execute(text(f"create table readable_{table} (like {table} including all)"))
        conn.execute(
            text(f"""
                insert into readable_{table} ({", ".join(names)})
                select {chosen} from {table}
                join jsonb_to_recordset(cast(:pairs as jsonb)) as told(kept jsonb, readable jsonb) on kept = {column}
            """),
            {"pairs": json.dumps([{"kept": kept, "readable": readable} for kept, readable in pairs])},
        )


def _readable(known: MetricSet) -> dict[str, Any]:
    numbers = {STORED_KEYS[key]: one.value for key, one in known.measures.items()}
    return to_json(known) | {key: float(one) if isinstance(one, Fraction) else one for key, one in numbers.items()}


COLUMNS = text("select column_name from information_schema.columns where table_name = :table order by ordinal_position")


USERS = """
    insert into users (id, email, name, created_at, updated_at)
    select md5('user-' || n)::uuid, 'owner-' || n || '@example.com', 'Owner ' || n, :now, :now
    from generate_series(1, cast(:count as int)) as n
"""
BUSINESS_ROWS = """
    insert into businesses (id, name, industry, created_at, updated_at)
    select md5('business-' || n)::uuid, 'Shop number ' || n, 'retail', :now, :now
    from generate_series(1, cast(:count as int)) as n
"""
MEMBERSHIPS = """
    insert into user_business_memberships (user_id, business_id, role, created_at)
    select md5('user-' || n)::uuid, md5('business-' || n)::uuid, 'owner', :now
    from generate_series(1, cast(:count as int)) as n
"""
SESSIONS = """
    insert into sessions (user_id, address_hash, signed_in_at, expires_at)
    select md5('user-' || n)::uuid, md5('address-' || n), :now, cast(:now as timestamptz) + interval '7 days'
    from generate_series(1, cast(:count as int)) as n
"""
RECOMMENDATIONS = """
    insert into recommendations (business_id, rule_key, title, description, priority, category, status,
        estimated_impact, metric_refs, created_at, updated_at)
    select md5('business-' || n)::uuid, said.rule_key, said.title, said.description, said.priority, said.category,
        said.status, said.impact, jsonb_build_array(said.rule_key),
        cast(:now as timestamptz) - age * interval '1 day', :now
    from generate_series(1, cast(:count as int)) as n,
        (values
            (1, 'chargeback_ratio', 'Bring disputes below half a percent', 'Four of 500 payments were disputed in the '
                'last 30 days. Answer each with the proof of delivery, and show your name on the card statement.',
                'high', 'risk', 'pending', 10),
            (2, 'revenue_volatility', 'Even out the months', 'Revenue swings by a third around its mean. A '
                'subscription or a prepaid plan makes the quiet months fuller.', 'medium', 'revenue', 'pending', 5),
            (3, 'payout_reliability', 'Repair the failed payouts', 'Two payouts of the last 90 days came back. Check '
                'the bank account that Stripe pays to.', 'high', 'payouts', 'accepted', 8),
            (4, 'top_customer_share', 'Sell to more than one large customer', 'One customer brings a third of your '
                'revenue; lenders ask what happens when they leave.', 'low', 'revenue', 'pending', 3),
            (5, 'refund_ratio', 'Look at why payments are refunded', 'Refunds doubled against the month before. The '
                'reasons are in your Stripe dashboard.', 'medium', 'risk', 'dismissed', 4)
        ) as said(age, rule_key, title, description, priority, category, status, impact)
"""

# Every business of a shape gets the shape's rows; those with a history get them once per day of it.
COPIES = """
    from generate_series(1, cast(:count as int)) as n
    cross join lateral generate_series(0, case when n <= :long then cast(:days as int) - 1 else 0 end) as age
"""


def _snapshots() -> str:
    dated = {"period_start": "period_start - age", "period_end": "period_end - age"}
    dated["computed_at"] = "computed_at - age * interval '1 day'"
    columns = {name: dated.get(name, name) for name in _columns(models.FinancialMetricSnapshot)}
    return f"""
        insert into financial_metric_snapshots (business_id, {", ".join(columns)})
        select md5('business-' || n)::uuid, {", ".join(columns.values())} {COPIES}
        join financial_metric_snapshots as shape
            on shape.business_id = md5('business-' || 1 + mod(n - 1, cast(:shops as int)))::uuid
        where n > :shops or age > 0
    """


def _scores() -> str:
    dated = {"scored_on": "scored_on - age", "created_at": "created_at - age * interval '1 day'"}
    dated |= {"score": "greatest(0, score - age / 10)", "snapshot_id": "snapshot.id"}
    columns = {name: dated.get(name, f"shape.{name}") for name in _columns(models.ReadinessScore)}
    return f"""
        insert into readiness_scores (business_id, {", ".join(columns)})
        select snapshot.business_id, {", ".join(columns.values())} {COPIES}
        join readiness_scores as shape
            on shape.business_id = md5('business-' || 1 + mod(n - 1, cast(:shops as int)))::uuid
        join financial_metric_snapshots as snapshot
            on snapshot.business_id = md5('business-' || n)::uuid and snapshot.period_end = scored_on - age
        where n > :shops or age > 0
    """


def _columns(table: type[models.Base]) -> list[str]:
    return [column.name for column in table.__table__.columns if column.name not in ("id", "business_id")]
