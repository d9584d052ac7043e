"""The database of the hourly run's benchmark: businesses with ninety days of sales, made set-based in SQL.

Every figure derives from the numbers of the business and of the object, so two fills are equal. Sizes are skewed as
shops' are: the n-th largest has a share of (n + 50)^-1.3, of 10,000 the largest has 37,000 charges the median 93.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Connection, text

from vaultra.db import engine as database
from vaultra.db import migrate

DAYS = 91  # three full 30-day periods and today
CHARGES_EACH = 500
# The order of loading is that of a first read: each account's objects lie together.
SIZED = """
    sized as (
        select n, md5('account-' || n)::uuid as account, md5('business-' || n)::uuid as business,
            greatest(3, round(cast(:charges as float8) * power(n + 50, -1.3) / sum(power(n + 50, -1.3)) over ()))::int
                as charges
        from generate_series(1, cast(:count as int)) as n
    )"""
# A number from 0 to 2^31 that looks like chance: of the business, the object and the purpose.
CHANCE = "(hashint8extended({n} * 1000003::bigint + {k}, {seed}) & 2147483647)"


def chance(k: str, seed: int, below: str | int) -> str:
    """SQL for a number from 0 to below `below` that only depends on business `n`, object `k` and the seed."""
    return f"mod({CHANCE.format(n='n', k=k, seed=seed)}, {below})"


def fill(url: str, *, businesses: int, raw: bool, now: dt.datetime) -> None:
    """Migrate the database behind the URL and fill it; `raw` with the charges, else with rollups alone."""
    migrate.upgrade(url)
    engine = database.create(url, pool_size=1)
    values = {"count": businesses, "charges": businesses * CHARGES_EACH, "now": now, "days": DAYS, "today": now.date()}
    with engine.begin() as conn:
        _run(conn, values, BUSINESSES, ACCOUNTS)
    with engine.begin() as conn:
        if raw:
            for table, rows in RAW.items():
                _load(conn, values, table, rows)
            _run(conn, values, ROLLUPS_OF_ROWS)
        else:
            _load(conn, values, "daily_rollups", ROLLUPS)
        for table, rows in BESIDE.items():
            _load(conn, values, table, rows)
    engine.dispose()
    admin = database.create(url, pool_size=1, isolation_level="AUTOCOMMIT")
    with admin.connect() as conn:
        conn.execute(text("vacuum analyze"))
        conn.execute(text("checkpoint"))
    admin.dispose()


def _run(conn: Connection, values: dict[str, Any], *statements: str) -> None:
    for statement in statements:
        used = {name: value for name, value in values.items() if f":{name}" in statement}
        conn.execute(text(statement), used)


def _load(conn: Connection, values: dict[str, Any], table: str, rows: str) -> None:
    """Fill a table without its indexes and make them afterwards: of millions of rows that takes a third of the time."""
    found = conn.execute(text(INDEXES), {"table": table}).all()
    keys = conn.execute(text(CONSTRAINTS), {"table": table}).all()
    conn.execute(text(f"truncate {table} cascade"))
    for key in keys:
        conn.execute(text(f"alter table {table} drop constraint {key.name}"))
    for index in found:
        conn.execute(text(f"drop index if exists {index.name}"))
    _run(conn, values, rows)
    for index in found:
        if not index.of_key:
            conn.execute(text(index.definition))
    for key in sorted(keys, key=lambda key: key.kind == "f"):
        conn.execute(text(f"alter table {table} add constraint {key.name} {key.definition}"))


INDEXES = """
    select c.relname as name, pg_get_indexdef(i.indexrelid) as definition,
        exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid) as of_key
    from pg_index i join pg_class c on c.oid = i.indexrelid
    where i.indrelid = cast(:table as regclass)
"""
CONSTRAINTS = """
    select conname as name, contype as kind, pg_get_constraintdef(oid) as definition
    from pg_constraint where conrelid = cast(:table as regclass) and contype in ('p', 'u', 'f')
"""

BUSINESSES = """
    insert into businesses (id, name, industry, created_at, updated_at)
    select md5('business-' || n)::uuid, 'Shop number ' || n, 'retail', :now, :now
    from generate_series(1, cast(:count as int)) as n
"""
ACCOUNTS = """
    insert into integration_accounts (id, business_id, external_id, livemode, status, default_currency, standing,
        balance, version_at, history_complete, connected_at)
    select md5('account-' || n)::uuid, md5('business-' || n)::uuid, 'acct_' || n, true, 'connected', 'usd',
        '{"charges_enabled": true, "payouts_enabled": true, "past_due": false}',
        jsonb_build_object('available', jsonb_build_array(jsonb_build_object('amount', 100000, 'currency', 'usd')),
            'pending', '[]'::jsonb, 'as_of', extract(epoch from cast(:now as timestamptz))::bigint),
        :now, true, :now
    from generate_series(1, cast(:count as int)) as n
"""
# When object k of business n was made, and what it is worth.
MADE = f"""cast(:now as timestamptz) - {chance("k", 1, 60 * 1440 * 30)} * interval '3 seconds'"""
MINOR = f"(500 + {chance('k', 2, 9500)})"
PAYER = f"{chance('k', 3, 'greatest(charges / 3, 3)')}"
STORED = "integration_account_id, business_id, id, created_at, version_at, content_hash, deleted"
KEYS = "account, business, {id}, made, made, md5(n || '-' || k), false"


def _objects(table: str, columns: str, identity: str, values: str, count: str, **more: str) -> str:
    """SQL that makes `count` objects of each business; `made` is when."""
    made = more.get("made", MADE)
    return f"""
        with {SIZED}
        insert into {table} ({STORED}, {columns})
        select {KEYS.format(id=identity)}, {values}
        from sized, generate_series(1, {count}) as k, lateral (select {made} as made) as at
    """


RAW = {
    "charges": _objects(
        "charges",
        "amount_minor, captured_minor, currency, settled_minor, status, captured, customer, card_fingerprint, "
        "payment_intent, balance_transaction",
        "'ch_3' || md5('ch' || n || '-' || k)",
        f"{MINOR}, case when failed then 0 else {MINOR} end, 'usd', case when failed then null else {MINOR} end, "
        f"case when failed then 'failed' else 'succeeded' end, not failed, 'cus_' || md5(n || '-' || {PAYER}), "
        f"left(md5(n || '/' || {PAYER}), 16), 'pi_3' || md5('pi' || n || '-' || k), "
        "case when failed then null else 'txn_3' || md5('txn' || n || '-' || k) end",
        "charges",
    ).replace(" as at\n", f" as at, lateral (select {chance('k', 4, 25)} = 0 as failed) as attempt\n"),
    "balance_transactions": _objects(
        "balance_transactions",
        "amount_minor, net_minor, fee_minor, currency, type, source",
        "'txn_3' || md5('txn' || n || '-' || k)",
        f"{MINOR}, {MINOR} - {MINOR} / 34 - 30, {MINOR} / 34 + 30, 'usd', 'charge', "
        "'ch_3' || md5('ch' || n || '-' || k)",
        "charges",
    ),
    "refunds": _objects(
        "refunds",
        "charge, amount_minor, currency, settled_minor, status",
        "'re_3' || md5('re' || n || '-' || k)",
        f"'ch_3' || md5('ch' || n || '-' || k), {MINOR}, 'usd', {MINOR}, 'succeeded'",
        "charges / 50",
    ),
}
BESIDE = {
    "disputes": _objects(
        "disputes",
        "charge, amount_minor, currency, status, reason, counted_at, movements",
        "'du_1' || md5('du' || n || '-' || k)",
        f"'ch_3' || md5('ch' || n || '-' || k), {MINOR}, 'usd', "
        f"(array['lost', 'won', 'needs_response'])[1 + {chance('k', 5, 3)}], 'fraudulent', made, '[]'",
        "charges / 300",
    ),
    # Large shops are paid out daily, the others weekly; every fortieth payout fails.
    "payouts": _objects(
        "payouts",
        "amount_minor, currency, arrival_on, status, automatic, paid_event_at",
        "'po_1' || md5('po' || n || '-' || k)",
        f"{MINOR} * 7, 'usd', made::date, case when {chance('k', 6, 40)} = 0 then 'failed' else 'paid' end, true, made",
        "case when charges > 900 then 89 else 13 end",
        made="cast(:now as timestamptz) - k * (case when charges > 900 then 1 else 7 end - 1e-3) * interval '1 day'",
    ),
    # Every fifth shop sells subscriptions.
    "subscriptions": _objects(
        "subscriptions",
        "customer, currency, status, started_at, items, discounts",
        "'sub_1' || md5('sub' || n || '-' || k)",
        "'cus_' || md5(n || '-' || k), 'usd', 'active', made, jsonb_build_array(jsonb_build_object('id', 'si_1', "
        "'quantity', 1, 'currency', 'usd', 'unit_amount', '2900', 'interval', 'month', 'interval_count', 1, "
        "'usage_type', 'licensed', 'billing_scheme', 'per_unit', 'tiers_mode', null, 'tiers', '[]'::jsonb, "
        "'transform_quantity', null, 'tax_behavior', null, 'discounts', '[]'::jsonb)), '[]'",
        "case when mod(n, 5) = 0 then least(charges / 10, 100) else 0 end",
    ),
}
ROLLUP_COLUMNS = """integration_account_id, business_id, day, currency, charge_count, captured_minor, settled_minor,
    unconverted_count, failed_count, refund_count, refunded_minor, dispute_count, withdrawn_minor, reinstated_minor,
    fraud_warning_count"""
ROLLUPS_OF_ROWS = f"""
    insert into daily_rollups ({ROLLUP_COLUMNS})
    select integration_account_id, business_id, day, 'usd', sum(charged), sum(minor), sum(minor), 0, sum(failed),
        sum(refunded), sum(refunded_minor), 0, 0, 0, 0
    from (
        select integration_account_id, business_id, (created_at at time zone 'UTC')::date as day,
            captured::int as charged, captured_minor as minor, 1 - captured::int as failed, 0 as refunded,
            0 as refunded_minor
        from charges
        union all
        select integration_account_id, business_id, (created_at at time zone 'UTC')::date, 0, 0, 0, 1, amount_minor
        from refunds
    ) as parts
    group by integration_account_id, business_id, day
"""
# As many days with sales as the charges would fall on, each with its share of them.
ROLLUPS = f"""
    with {SIZED}, sold as (
        select *, greatest(1, round(charges / cast(:days as float8)))::int as daily
        from sized, generate_series(0, cast(:days as int) - 1) as k
        where k = cast(:days as int) - 1
            or {chance("k", 7, 1000)} < 1000 * (1 - exp(-least(charges, 10000) / cast(:days as float8)))
    )
    insert into daily_rollups ({ROLLUP_COLUMNS})
    select account, business, cast(:today as date) - k, 'usd', daily, daily * minor, daily * minor, 0, daily / 25,
        daily / 50, daily / 50 * minor, ({chance("k", 8, 300)} < daily)::int, 0, 0, 0
    from sold, lateral (select {MINOR} as minor) as sale
"""
