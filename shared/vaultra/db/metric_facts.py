"""SQL that gathers what a business's metrics are computed from, for many businesses at once."""

import datetime as dt
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, TextClause, bindparam, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PG_UUID

from vaultra.db.models import IntegrationAccount
from vaultra.db.statements import statement
from vaultra.domain.measures import BALANCE_DAYS, SERIES_BUCKETS
from vaultra.domain.metric_facts import (
    NOTHING,
    BalanceHistory,
    CurrencyTotals,
    DisputeStates,
    MetricFacts,
    PayerTotals,
    Payout,
    Standing,
    Totals,
    Unconverted,
)
from vaultra.domain.period import BUCKET_DAYS, Period
from vaultra.domain.subscriptions import LOOKBACK, Discount, Item, Subscription, Tier

PAYER_DAYS = 180
PAYOUT_DAYS = 90
DECISION_DAYS = 365
# The sums that reach furthest back: the buckets of the series, and today.
LONGEST_SUM_DAYS = SERIES_BUCKETS * BUCKET_DAYS + 1

Rows = Sequence[Row[Any]]


def metric_facts(conn: Connection, business_ids: Sequence[UUID], as_of: dt.datetime) -> dict[UUID, MetricFacts]:
    """What is stored about each business that has a connected account; the others are absent.

    The number of statements does not depend on the number of businesses.
    """
    period = Period.of(as_of)
    accounts = conn.execute(ACCOUNTS, {"ids": list(business_ids)}).all()
    if not accounts:
        return {}
    reading = _Reader(conn, [row.id for row in accounts], period)
    rollups = reading.by_account(statement("metric_facts_rollups"))
    payers = reading.by_account(statement("metric_facts_payers"), days=PAYER_DAYS)
    balances = reading.by_account(statement("metric_facts_balance"), days=BALANCE_DAYS)
    payouts = reading.by_account(PAYOUTS, days=PAYOUT_DAYS)
    disputes = reading.by_account(DISPUTES, days=DECISION_DAYS)
    subscriptions = reading.lists_by_account(statement("metric_facts_subscriptions"), then=as_of - LOOKBACK)
    rates = reading.lists_by_account(RATES)
    unconverted = reading.lists_by_account(statement("metric_facts_unconverted"), days=LONGEST_SUM_DAYS)

    def facts_of(account: Row[Any]) -> MetricFacts:
        key: UUID = account.id
        rollup = rollups.get(key)
        owned = subscriptions.get(key, [])
        return MetricFacts(
            settlement_currency=account.default_currency,
            history_complete=account.history_complete,
            first_charge_on=None if rollup is None else rollup.first_charge_on,
            window=_totals(None if rollup is None else rollup.window_totals),
            last_90_days=_totals(None if rollup is None else rollup.last_90_days),
            buckets={int(n): Totals(*sums) for n, sums in ((rollup and rollup.buckets) or {}).items()},
            active_days=frozenset(_day(period, age) for age in (rollup and rollup.active_ages) or ()),
            by_currency=tuple(CurrencyTotals(*totals) for totals in (rollup and rollup.by_currency) or ()),
            payers=PayerTotals(*payers[key][1:]) if key in payers else PayerTotals(),
            payouts=tuple(_payout(period, row) for row in payouts[key].payouts) if key in payouts else (),
            subscriptions=tuple(_subscription(row) for row in owned if row.id is not None),
            subscriptions_ever=owned[0].ever if owned else 0,
            rates={row.currency: Fraction(row.exchange_rate) for row in rates.get(key, [])},
            balance=_balance(period, balances[key]),
            disputes=DisputeStates(*disputes[key][1:]) if key in disputes else DisputeStates(),
            standing=_standing(account.standing),
            unconverted=tuple(Unconverted(row.id, row.amount_minor, row.currency) for row in unconverted.get(key, [])),
        )

    return {account.business_id: facts_of(account) for account in accounts}


# --- Statements ------------------------------------------------------------------------------

ACCOUNTS = select(
    IntegrationAccount.id,
    IntegrationAccount.business_id,
    IntegrationAccount.default_currency,
    IntegrationAccount.standing,
    IntegrationAccount.history_complete,
).where(
    IntegrationAccount.business_id == func.any(bindparam("ids", type_=ARRAY(PG_UUID))),
    IntegrationAccount.provider == "stripe",
    IntegrationAccount.status != "disconnected",
)

PAYOUTS = text(
    """
    select integration_account_id as account,
        jsonb_agg(jsonb_build_array(amount_minor, cast(:today as date) - arrival_on, status,
            coalesce(reversed_by, '') <> '', failure_balance_transaction is not null,
            extract(epoch from paid_event_at)::float8)) as payouts
    from payouts
    where integration_account_id = any(:accounts) and not deleted
        and arrival_on between cast(:first_day as date) and cast(:today as date)
    group by integration_account_id
    """
)

DISPUTES = text(
    """
    select integration_account_id as account,
        count(*) filter (where status in ('needs_response', 'under_review')) as open_count,
        count(*) filter (where status = 'won' and created_at >= begins_at and created_at < ends_at) as won_count,
        count(*) filter (where status = 'lost' and created_at >= begins_at and created_at < ends_at) as lost_count
    from disputes
    cross join (select cast(:first_day as date)::timestamp at time zone 'UTC' as begins_at,
                       (cast(:today as date) + 1)::timestamp at time zone 'UTC' as ends_at) as year
    where integration_account_id = any(:accounts) and not deleted
    group by integration_account_id
    """
)

RATES = text(
    """
    with wanted as (
        select distinct s.integration_account_id as account, item ->> 'currency' as currency
        from subscriptions s
        join integration_accounts a on a.id = s.integration_account_id
        cross join lateral jsonb_array_elements(s.items) as item
        where s.integration_account_id = any(:accounts) and not s.deleted
            and item ->> 'currency' <> a.default_currency
    )
    select wanted.account, wanted.currency, latest.exchange_rate
    from wanted
    cross join lateral (
        select exchange_rate
        from charges
        where integration_account_id = wanted.account and charges.currency = wanted.currency
            and exchange_rate is not null and not deleted
            and created_at < (cast(:today as date) + 1)::timestamp at time zone 'UTC'
        order by created_at desc, id desc
        limit 1
    ) as latest
    """
)


class _Reader:
    """Runs a statement over the accounts of one computation."""

    def __init__(self, conn: Connection, accounts: list[UUID], period: Period) -> None:
        self.conn, self.accounts, self.period = conn, accounts, period

    def by_account(self, sql: TextClause, *, days: int = 1) -> dict[UUID, Row[Any]]:
        return {row.account: row for row in self._rows(sql, days, {})}

    def lists_by_account(self, sql: TextClause, *, days: int = 1, **more: object) -> dict[UUID, list[Row[Any]]]:
        grouped: dict[UUID, list[Row[Any]]] = {}
        for row in self._rows(sql, days, more):
            grouped.setdefault(row.account, []).append(row)
        return grouped

    def _rows(self, sql: TextClause, days: int, more: Mapping[str, object]) -> Rows:
        bounds = {"today": self.period.end, "first_day": self.period.last_days(days).first}
        accounts = bindparam("accounts", self.accounts, type_=ARRAY(PG_UUID))
        return self.conn.execute(sql.bindparams(accounts), {**bounds, **more}).all()


# --- Rows into facts -------------------------------------------------------------------------


def _day(period: Period, age: int) -> dt.date:
    return period.end - dt.timedelta(days=age)


def _totals(sums: list[int] | None) -> Totals:
    return NOTHING if sums is None else Totals(*sums)


def _payout(period: Period, row: list[Any]) -> Payout:
    amount, age, status, is_reversed, failed_back, paid_at = row
    at = None if paid_at is None else dt.datetime.fromtimestamp(paid_at, dt.UTC)
    return Payout(amount, _day(period, age), status, is_reversed, failed_back, at)


def _balance(period: Period, row: Row[Any]) -> BalanceHistory:
    movements = {_day(period, int(age)): net for age, net in (row.movements or {}).items()}
    return BalanceHistory(row.opening_minor, movements)


def _standing(stored: dict[str, Any] | None) -> Standing | None:
    if stored is None:
        return None
    return Standing(
        charges_enabled=stored["charges_enabled"],
        payouts_enabled=stored["payouts_enabled"],
        past_due=stored["past_due"],
    )


def _subscription(row: Row[Any]) -> Subscription:
    resumes_at = (row.pause or {}).get("resumes_at")
    return Subscription(
        id=row.id,
        status=row.status,
        items=tuple(_item(item) for item in row.items),
        customer=row.customer,
        started_at=row.started_at,
        trial_end_at=row.trial_end_at,
        canceled_at=row.canceled_at,
        ended_at=row.ended_at,
        paused=row.pause is not None,
        resumes_at=None if resumes_at is None else dt.datetime.fromtimestamp(resumes_at, dt.UTC),
        discounts=_discounts(row.discounts),
        customer_discount=None if row.customer_discount is None else _discount(row.customer_discount),
    )


def _item(stored: dict[str, Any]) -> Item:
    transform = stored["transform_quantity"] or {}
    quantity = stored["quantity"]
    return Item(
        currency=stored["currency"],
        interval=stored["interval"],
        unit_amount=Fraction(stored["unit_amount"] or 0),
        quantity=1 if quantity is None else quantity,
        interval_count=stored["interval_count"],
        metered=stored["usage_type"] == "metered",
        tiers_mode=stored["tiers_mode"] if stored["billing_scheme"] == "tiered" else None,
        tiers=tuple(
            Tier(tier["up_to"], Fraction(tier["unit_amount"] or 0), Fraction(tier["flat_amount"] or 0))
            for tier in stored["tiers"]
        ),
        divide_by=transform.get("divide_by"),
        round_up=transform.get("round") == "up",
        discounts=_discounts(stored["discounts"]),
    )


def _discounts(stored: list[dict[str, Any]]) -> tuple[Discount, ...]:
    return tuple(_discount(discount) for discount in stored)


def _discount(stored: dict[str, Any]) -> Discount:
    percent_off, amount_off = stored["percent_off"], stored["amount_off"]
    return Discount(
        duration=stored["duration"],
        percent_off=None if percent_off is None else Fraction(percent_off),
        amount_off=None if amount_off is None else Fraction(amount_off),
        currency=stored["currency"],
        starts_at=stored["start"],
        ends_at=stored["end"],
    )
