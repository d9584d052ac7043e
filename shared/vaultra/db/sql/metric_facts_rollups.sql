-- What daily rollups tell about accounts, for their metrics.
-- Grain: one row per account that has rollups. Units: minor units of the settlement currency, `captured_minor` of
-- by_currency in that currency; ages are days before today. Bounds: all history up to and including today.
-- Totals are arrays in the order charges, revenue, failed, refunds, refunded, disputes, withdrawn, reinstated, warnings.
with account_days as materialized (
    select integration_account_id as account, day, currency, cast(:today as date) - day as age,
        charge_count, captured_minor, settled_minor, unconverted_count, failed_count, refund_count, refunded_minor,
        dispute_count, withdrawn_minor, reinstated_minor, fraud_warning_count
    from daily_rollups
    where integration_account_id = any(:accounts) and day <= cast(:today as date)
), firsts as (
    select account, min(day) filter (where charge_count > 0) as first_charge_on
    from account_days
    group by account
), days as (
    select account, age,
        sum(charge_count) as charge_count, sum(settled_minor) as revenue_minor, sum(failed_count) as failed_count,
        sum(refund_count) as refund_count, sum(refunded_minor) as refunded_minor,
        sum(dispute_count) as dispute_count, sum(withdrawn_minor) as withdrawn_minor,
        sum(reinstated_minor) as reinstated_minor, sum(fraud_warning_count) as fraud_warning_count
    from account_days
    group by account, age
), totals as (
    select account, frame, bucket,
        jsonb_build_array(
            sum(charge_count)::bigint, sum(revenue_minor)::bigint, sum(failed_count)::bigint,
            sum(refund_count)::bigint, sum(refunded_minor)::bigint, sum(dispute_count)::bigint,
            sum(withdrawn_minor)::bigint, sum(reinstated_minor)::bigint, sum(fraud_warning_count)::bigint
        ) as sums
    from days
    cross join lateral (
        select 'window' as frame, 0 as bucket where age < 30
        union all
        select 'last_90_days', 0 where age < 90
        union all
        select 'bucket', (age - 1) / 30 where age >= 1
    ) as frames
    group by account, frame, bucket
), framed as (
    select account,
        (array_agg(sums) filter (where frame = 'window'))[1] as window_totals,
        (array_agg(sums) filter (where frame = 'last_90_days'))[1] as last_90_days,
        jsonb_object_agg(bucket, sums) filter (where frame = 'bucket') as buckets
    from totals
    group by account
), active as (
    select account, jsonb_agg(age order by age) as ages
    from days
    where age <= 182 and charge_count > 0
    group by account
), currencies as (
    select account,
        jsonb_agg(jsonb_build_array(currency, charges, captured, settled, unconverted) order by currency) as totals
    from (
        select account, currency, sum(charge_count)::bigint as charges, sum(captured_minor)::bigint as captured,
            sum(settled_minor)::bigint as settled, sum(unconverted_count)::bigint as unconverted
        from account_days
        where age < 30 and charge_count > 0
        group by account, currency
    ) as window_currencies
    group by account
)
select firsts.account, firsts.first_charge_on, framed.window_totals, framed.last_90_days, framed.buckets,
    active.ages as active_ages, currencies.totals as by_currency
from firsts
left join framed using (account)
left join active using (account)
left join currencies using (account)
