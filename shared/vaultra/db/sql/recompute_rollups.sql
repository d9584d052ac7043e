-- Daily rollups of some accounts, recomputed from their rows.
-- Grain: one row per (account, UTC day, currency). Units: minor units; `captured_minor` in the row's currency,
-- every other sum in the settlement currency. Bounds: only the given days; of these, a row that nothing makes any
-- more goes; the `objects_version` of every given account grows, which a null day alone asks for. Run under the
-- accounts' locks.
-- Each day's rows are looked up by themselves (lateral), so that no plan ever goes through a whole table.
with given as materialized (
    select account, business, currency, day
    from jsonb_to_recordset(cast(:given as jsonb)) as told(account uuid, business uuid, currency text, day date)
), days as materialized (
    select account, business, currency as settlement, day,
        day::timestamp at time zone 'UTC' as begins, (day + 1)::timestamp at time zone 'UTC' as ends
    from given
    where day is not null
), charge_days as (
    select account, business, day, counted.*
    from days cross join lateral (
        select charges.currency,
            count(*) filter (where succeeded) as charge_count,
            coalesce(sum(captured_minor) filter (where succeeded), 0) as captured_minor,
            coalesce(sum(settled_minor) filter (where succeeded), 0) as settled_minor,
            count(*) filter (where succeeded and settled_minor is null) as unconverted_count,
            count(*) filter (where status = 'failed') as failed_count,
            0 as refund_count, 0 as refunded_minor, 0 as dispute_count,
            0 as withdrawn_minor, 0 as reinstated_minor, 0 as fraud_warning_count
        from charges, lateral (select status = 'succeeded' and captured) as judged(succeeded)
        where charges.integration_account_id = days.account
            and charges.created_at >= days.begins and charges.created_at < days.ends and not charges.deleted
        group by charges.currency
    ) as counted
), refund_days as (
    select account, business, day, counted.*
    from days cross join lateral (
        select refunds.currency,
            0, 0, 0, 0, 0,
            count(*),
            coalesce(sum(coalesce(
                refunds.settled_minor,
                case when mod(exact, 1) = 0.5 then 2 * round(exact / 2) else round(exact) end -- half-even
            )), 0),
            0, 0, 0, 0
        from refunds
        left join charges on charges.integration_account_id = days.account and charges.id = refunds.charge
        cross join lateral (select refunds.amount_minor * charges.exchange_rate) as converted(exact)
        where refunds.integration_account_id = days.account
            and refunds.created_at >= days.begins and refunds.created_at < days.ends
            and refunds.status = 'succeeded' and not refunds.deleted
        group by refunds.currency
    ) as counted
), dispute_days as (
    select account, business, day, counted.*
    from days cross join lateral (
        select disputes.currency, 0, 0, 0, 0, 0, 0, 0, count(*), 0, 0, 0
        from disputes
        where disputes.integration_account_id = days.account
            and disputes.counted_at >= days.begins and disputes.counted_at < days.ends and not disputes.deleted
        group by disputes.currency
    ) as counted
), movement_days as (
    select account, business, day, counted.*
    from days cross join lateral (
        select movement.currency, 0, 0, 0, 0, 0, 0, 0, 0,
            coalesce(sum(-movement.amount_minor) filter (where movement.amount_minor < 0), 0),
            coalesce(sum(movement.amount_minor) filter (where movement.amount_minor > 0), 0),
            0
        from disputes,
            lateral jsonb_to_recordset(disputes.movements)
                as movement(amount_minor bigint, currency text, created_at timestamptz)
        where disputes.integration_account_id = days.account and not disputes.deleted
            and disputes.created_at < days.ends + interval '1 day' -- money may leave a moment before the dispute's time
            and movement.created_at >= days.begins and movement.created_at < days.ends
            and movement.currency = days.settlement
        group by movement.currency
    ) as counted
), warning_days as (
    select account, business, day, settlement, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, counted.warnings
    from days cross join lateral (
        select count(*) as warnings
        from early_fraud_warnings warnings
        where warnings.integration_account_id = days.account
            and warnings.created_at >= days.begins and warnings.created_at < days.ends and not warnings.deleted
    ) as counted
    where counted.warnings > 0
), parts as (
    select * from charge_days union all select * from refund_days union all select * from dispute_days
    union all select * from movement_days union all select * from warning_days
), made as (
    select account, business, day, currency,
        sum(charge_count) as charge_count, sum(captured_minor) as captured_minor,
        sum(settled_minor) as settled_minor, sum(unconverted_count) as unconverted_count,
        sum(failed_count) as failed_count, sum(refund_count) as refund_count,
        sum(refunded_minor) as refunded_minor, sum(dispute_count) as dispute_count,
        sum(withdrawn_minor) as withdrawn_minor, sum(reinstated_minor) as reinstated_minor,
        sum(fraud_warning_count) as fraud_warning_count
    from parts
    group by account, business, day, currency
), gone as (
    delete from daily_rollups
    using days
    where daily_rollups.integration_account_id = days.account and daily_rollups.day = days.day
      and not exists (
          select from made
          where made.account = days.account and made.day = days.day and made.currency = daily_rollups.currency)
), changed as (
    update integration_accounts set objects_version = objects_version + 1
    where id in (select account from given)
)
insert into daily_rollups (integration_account_id, business_id, day, currency,
    charge_count, captured_minor, settled_minor, unconverted_count, failed_count, refund_count, refunded_minor,
    dispute_count, withdrawn_minor, reinstated_minor, fraud_warning_count)
select account, business, day, currency,
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
