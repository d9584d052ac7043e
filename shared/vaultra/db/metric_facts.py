"""SQL that gathers what a business's metrics are computed from, for many businesses at once."""

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Connection, Row, TextClause, text

from vaultra.db import facts_of_rows
from vaultra.db.facts_of_rows import RollupFacts
from vaultra.db.kept_facts import KeptBalance, KeptFacts
from vaultra.db.statements import statement
from vaultra.domain.measures import BALANCE_DAYS, SERIES_BUCKETS
from vaultra.domain.metric_facts import DisputeStates, MetricFacts, PayerTotals, Unconverted
from vaultra.domain.period import BUCKET_DAYS, Period
from vaultra.domain.subscriptions import LOOKBACK

PAYER_DAYS = 180
PAYOUT_DAYS = 90
DECISION_DAYS = 365
# The sums that reach furthest back: the buckets of the series, and today.
LONGEST_SUM_DAYS = SERIES_BUCKETS * BUCKET_DAYS + 1


class BusinessFacts(NamedTuple):
    """What is known of a business; `basis` tells states of its account and the account's objects apart."""

    business_id: UUID
    basis: str
    facts: MetricFacts


@dataclass(frozen=True)
class Gathered:
    """Facts of businesses by id, made as they are taken, and what had to be read from their accounts' objects."""

    facts: Iterator[BusinessFacts]
    read: list[KeptFacts]


def metric_facts(conn: Connection, business_ids: Sequence[UUID], as_of: dt.datetime) -> dict[UUID, MetricFacts]:
    """What is stored about each business that has a connected account; the others are absent.

    The number of statements does not depend on the number of businesses.
    """
    return {business_id: facts for business_id, _, facts in gather(conn, business_ids, as_of).facts}


def gather(
    conn: Connection, business_ids: Sequence[UUID], as_of: dt.datetime, changed: Collection[UUID] = ()
) -> Gathered:
    """The same, with what is worth keeping.

    Args:
        changed: Businesses whose objects are read again whatever is kept of them.
    """
    period = Period.of(as_of)
    accounts = _accounts(conn, business_ids, period)
    if not accounts:
        return Gathered(iter(()), [])
    whole = _Reader(conn, [row.account for row in accounts], period)
    read = _read_objects(conn, accounts, period, set(changed))
    kept = {one.integration_account_id: one for one in read}
    rollups = whole.by_account(statement("metric_facts_rollups"))
    payouts = whole.by_account(PAYOUTS, days=PAYOUT_DAYS)
    disputes = whole.by_account(DISPUTES, days=DECISION_DAYS)
    subscriptions = whole.by_account(statement("metric_facts_subscriptions"), then=as_of - LOOKBACK)
    rates = _Reader(conn, subscriptions, period).lists_by_account(RATES)
    unconverted = whole.lists_by_account(
        statement("metric_facts_unconverted"),
        days=LONGEST_SUM_DAYS,
        with_charges=_array(key for key, row in rollups.items() if row.unconverted_count),
    )

    def facts_of(account: Row[Any]) -> MetricFacts:
        key: str = account.account
        sums = facts_of_rows.rollup_facts(period, rollups[key]) if key in rollups else RollupFacts()
        owned = subscriptions.get(key)
        objects = kept.get(key) or _kept(account, period)
        return MetricFacts(
            settlement_currency=account.default_currency,
            history_complete=account.history_complete,
            first_charge_on=sums.first_charge_on,
            window=sums.window,
            last_90_days=sums.last_90_days,
            buckets=sums.buckets,
            active_days=sums.active_days,
            by_currency=sums.by_currency,
            payers=PayerTotals(*objects.payers),
            payouts=facts_of_rows.payouts(period, payouts[key]) if key in payouts else (),
            subscriptions=() if owned is None else facts_of_rows.subscriptions(owned),
            subscriptions_ever=0 if owned is None else owned.ever,
            rates={row.currency: Fraction(row.exchange_rate) for row in rates.get(key, ())},
            balance=facts_of_rows.balance(period, objects.balance),
            disputes=DisputeStates(*disputes[key][1:]) if key in disputes else DisputeStates(),
            standing=facts_of_rows.standing(account.standing),
            unconverted=tuple(Unconverted(row.id, row.amount_minor, row.currency) for row in unconverted.get(key, ())),
        )

    return Gathered(
        (BusinessFacts(account.business_id, account.basis, facts_of(account)) for account in accounts), read
    )


def _accounts(conn: Connection, business_ids: Sequence[UUID], period: Period) -> Sequence[Row[Any]]:
    values = {
        "businesses": _array(business_ids),
        "today": period.end,
        "payer_days": PAYER_DAYS,
        "payers_from": period.last_days(PAYER_DAYS).first,
    }
    return conn.execute(statement("metric_facts_accounts"), values).all()


def _read_objects(
    conn: Connection, accounts: Sequence[Row[Any]], period: Period, changed: set[UUID]
) -> list[KeptFacts]:
    """The payers and the balance of the accounts of which not both are kept."""
    unread = [row for row in accounts if row.payers is None or row.business_id in changed]
    unbalanced = [row.account for row in unread if row.balance is None or row.business_id in changed]
    payers = _Reader(conn, [row.account for row in unread], period).by_account(
        statement("metric_facts_payers"), days=PAYER_DAYS
    )
    balances = _Reader(conn, unbalanced, period).by_account(statement("metric_facts_balance"), days=BALANCE_DAYS)

    def read(account: Row[Any]) -> KeptFacts:
        key: str = account.account
        if key in balances:
            row = balances[key]
            balance = KeptBalance(row.opening_minor, row.ages or (), row.nets or ())
        else:
            balance = _balance(account, period)
        return KeptFacts(key, account.basis, period.end, payers[key][1:] if key in payers else (), balance)

    return [read(account) for account in unread]


def _kept(account: Row[Any], period: Period) -> KeptFacts:
    payers = orjson.loads(account.payers)
    return KeptFacts(account.account, account.basis, period.end, payers, _balance(account, period))


def _balance(account: Row[Any], period: Period) -> KeptBalance:
    return KeptBalance(**orjson.loads(account.balance)).after(period.age(account.read_on))


# --- Statements ------------------------------------------------------------------------------

PAYOUTS = text(
    """
    select integration_account_id::text as account,
        json_build_array(array_agg(amount_minor), array_agg(cast(:today as date) - arrival_on), array_agg(status),
            array_agg(coalesce(reversed_by, '') <> ''), array_agg(failure_balance_transaction is not null),
            array_agg(paid_event_at))::text as payouts
    from payouts
    where integration_account_id = any(cast(:accounts as uuid[])) and not deleted
        and arrival_on between cast(:first_day as date) and cast(:today as date)
    group by integration_account_id
    """
)

DISPUTES = text(
    """
    select integration_account_id::text as account,
        count(*) filter (where status in ('needs_response', 'under_review')) as open_count,
        count(*) filter (where status = 'won' and created_at >= begins_at and created_at < ends_at) as won_count,
        count(*) filter (where status = 'lost' and created_at >= begins_at and created_at < ends_at) as lost_count
    from disputes
    cross join (select cast(:first_day as date)::timestamp at time zone 'UTC' as begins_at,
                       (cast(:today as date) + 1)::timestamp at time zone 'UTC' as ends_at) as year
    where integration_account_id = any(cast(:accounts as uuid[])) and not deleted
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
        where s.integration_account_id = any(cast(:accounts as uuid[])) and not s.deleted
            and item ->> 'currency' <> a.default_currency
    )
    select wanted.account::text as account, wanted.currency, latest.exchange_rate
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
    """Runs statements over the same accounts; over none, nothing is asked."""

    def __init__(self, conn: Connection, accounts: Iterable[str], period: Period) -> None:
        self.conn, self.accounts, self.period = conn, _array(accounts), period

    def by_account(self, sql: TextClause, *, days: int = 1, **more: object) -> dict[str, Row[Any]]:
        return {row.account: row for row in self._rows(sql, days, **more)}

    def lists_by_account(self, sql: TextClause, *, days: int = 1, **more: object) -> dict[str, list[Row[Any]]]:
        grouped: dict[str, list[Row[Any]]] = {}
        for row in self._rows(sql, days, **more):
            grouped.setdefault(row.account, []).append(row)
        return grouped

    def _rows(self, sql: TextClause, days: int, **more: object) -> Sequence[Row[Any]]:
        if self.accounts == NONE:
            return ()
        bounds = {"today": self.period.end, "first_day": self.period.last_days(days).first}
        return self.conn.execute(sql, {"accounts": self.accounts, **bounds, **more}).all()


NONE = "{}"


def _array(ids: Iterable[object]) -> str:
    """Ids as an array in SQL's own notation, written once for all statements."""
    return f"{{{','.join(map(str, ids))}}}"
