-- Amounts of accounts that could not be converted to the settlement currency, and are in no sum.
-- Grain: one row per succeeded charge or refund, and per movement of a dispute, of the days that end on today.
-- Units: minor units of its currency; what a dispute withdrew is negative. Charges are looked for only in the accounts
-- whose rollups count some.
select c.integration_account_id::text as account, c.id, c.captured_minor as amount_minor, c.currency
from daily_rollups as rollup
join charges as c on c.integration_account_id = rollup.integration_account_id and c.currency = rollup.currency
    and c.created_at >= rollup.day::timestamp at time zone 'UTC'
    and c.created_at < (rollup.day + 1)::timestamp at time zone 'UTC'
where rollup.integration_account_id = any(cast(:with_charges as uuid[])) and rollup.unconverted_count > 0
    and rollup.day between cast(:first_day as date) and cast(:today as date)
    and c.status = 'succeeded' and c.captured and not c.deleted and c.settled_minor is null
union all
select r.integration_account_id::text, r.id, r.amount_minor, r.currency
from refunds as r
left join charges as c on c.integration_account_id = r.integration_account_id and c.id = r.charge
where r.integration_account_id = any(cast(:accounts as uuid[])) and r.status = 'succeeded' and not r.deleted
    and r.created_at >= cast(:first_day as date)::timestamp at time zone 'UTC'
    and r.created_at < (cast(:today as date) + 1)::timestamp at time zone 'UTC'
    and r.settled_minor is null and c.exchange_rate is null
union all
select d.integration_account_id::text, movement.id, movement.amount_minor, movement.currency
from disputes as d
join integration_accounts as a on a.id = d.integration_account_id
cross join lateral jsonb_to_recordset(d.movements)
    as movement(id text, amount_minor bigint, currency text, created_at timestamptz)
where d.integration_account_id = any(cast(:accounts as uuid[])) and not d.deleted
    and movement.created_at >= cast(:first_day as date)::timestamp at time zone 'UTC'
    and movement.created_at < (cast(:today as date) + 1)::timestamp at time zone 'UTC'
    and movement.currency <> a.default_currency
