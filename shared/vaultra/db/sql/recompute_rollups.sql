-- Daily rollups of one account, recomputed from its rows.
-- Grain: one row per (account, UTC day, currency). Units: minor units; `captured_minor` in the row's currency,
-- every other sum in the settlement currency. Bounds: only the given days; of these, a row that nothing makes any
-- more goes. Run under the account's lock.
with days as (
    select day, day::timestamp at time zone 'UTC' as begins, (day + 1)::timestamp at time zone 'UTC' as ends
    from unnest(cast(:days as date[])) as day
), charge_days as (
    select days.day, charges.currency,
        count(*) filter (where succeeded) as charge_count,
        coalesce(sum(captured_minor) filter (where succeeded), 0) as captured_minor,
        coalesce(sum(settled_minor) filter (where succeeded), 0) as settled_minor,
        count(*) filter (where succeeded and settled_minor is null) as unconverted_count,
        count(*) filter (where status = 'failed') as failed_count,
        0 as refund_count, 0 as refunded_minor, 0 as dispute_count,
        0 as withdrawn_minor, 0 as reinstated_minor, 0 as fraud_warning_count
    from days
    join charges on charges.integration_account_id = :account
        and charges.created_at >= days.begins and charges.created_at < days.ends and not charges.deleted,
        lateral (select status = 'succeeded' and captured) as judged(succeeded)
    group by days.day, charges.currency
), refund_days as (
    select days.day, refunds.currency,
        0, 0, 0, 0, 0,
        count(*),
        coalesce(sum(coalesce(
            refunds.settled_minor,
            case when mod(exact, 1) = 0.5 then 2 * round(exact / 2) else round(exact) end -- half-even
        )), 0),
        0, 0, 0, 0
    from days
    join refunds on refunds.integration_account_id = :account
        and refunds.created_at >= days.begins and refunds.created_at < days.ends
        and refunds.status = 'succeeded' and not refunds.deleted
    left join charges on charges.integration_account_id = :account and charges.id = refunds.charge
    cross join lateral (select refunds.amount_minor * charges.exchange_rate) as converted(exact)
    group by days.day, refunds.currency
), dispute_days as (
    select days.day, disputes.currency, 0, 0, 0, 0, 0, 0, 0, count(*), 0, 0, 0
    from days
    join disputes on disputes.integration_account_id = :account
        and disputes.counted_at >= days.begins and disputes.counted_at < days.ends and not disputes.deleted
    group by days.day, disputes.currency
), movement_days as (
    select days.day, movement.currency, 0, 0, 0, 0, 0, 0, 0, 0,
        coalesce(sum(-movement.amount_minor) filter (where movement.amount_minor < 0), 0),
        coalesce(sum(movement.amount_minor) filter (where movement.amount_minor > 0), 0),
        0
    from days
    join disputes on disputes.integration_account_id = :account and not disputes.deleted
        and disputes.created_at < days.ends + interval '1 day', -- money may leave a moment before the dispute's time
        lateral jsonb_to_recordset(disputes.movements)
            as movement(amount_minor bigint, currency text, created_at timestamptz)
    where movement.created_at >= days.begins and movement.created_at < days.ends and movement.currency = cast(:currency as text)
    group by days.day, movement.currency
), warning_days as (
    select days.day, cast(:currency as text), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count(*)
    from days
    join early_fraud_warnings warnings on warnings.integration_account_id = :account
        and warnings.created_at >= days.begins and warnings.created_at < days.ends and not warnings.deleted
    group by days.day
), parts as (
    select * from charge_days union all select * from refund_days union all select * from dispute_days
    union all select * from movement_days union all select * from warning_days
), made as (
    select day, currency,
        sum(charge_count) as charge_count, sum(captured_minor) as captured_minor,
        sum(settled_minor) as settled_minor, sum(unconverted_count) as unconverted_count,
        sum(failed_count) as failed_count, sum(refund_count) as refund_count,
        sum(refunded_minor) as refunded_minor, sum(dispute_count) as dispute_count,
        sum(withdrawn_minor) as withdrawn_minor, sum(reinstated_minor) as reinstated_minor,
        sum(fraud_warning_count) as fraud_warning_count
    from parts
    group by day, currency
), gone as (
    delete from daily_rollups
    where integration_account_id = :account and day = any(:days)
      and not exists (select from made where made.day = daily_rollups.day and made.currency = daily_rollups.currency)
)
insert into daily_rollups (integration_account_id, business_id, day, currency,
    charge_count, captured_minor, settled_minor, unconverted_count, failed_count, refund_count, refunded_minor,
    dispute_count, withdrawn_minor, reinstated_minor, fraud_warning_count)
select cast(:account as uuid), cast(:business as uuid), day, currency,
    charge_count, captured_minor, settled_minor, unconverted_count, failed_count, refund_count, refunded_minor,
    dispute_count, withdrawn_minor, reinstated_minor, fraud_warning_count
from made
on conflict (integration_account_id, day, currency) do update set
    charge_count = excluded.charge_count, captured_minor = excluded.captured_minor,
    settled_minor = excluded.settled_minor, unconverted_count = excluded.unconverted_count,
    failed_count = excluded.failed_count, refund_count = excluded.refund_count,
    refunded_minor = excluded.refunded_minor, dispute_count = excluded.dispute_count,
    withdrawn_minor = excluded.withdrawn_minor, reinstated_minor = excluded.reinstated_minor,
    fraud_warning_count = excluded.fraud_warning_count
