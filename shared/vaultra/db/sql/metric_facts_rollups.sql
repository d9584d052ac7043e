-- What daily rollups tell about accounts, for their metrics.
-- Grain: one row per account that has rollups. Units: minor units of the settlement currency, `captured_minor` of the
-- part's own; ages are days before today. Bounds: all history up to and including today.
-- `parts` are sums over days of one currency: bucket (0 is ages 1 to 30, -1 is today), whether it is a bucket's one day
-- on which a shorter frame ends, currency, captured, unconverted, then charges, revenue, failed, refunds, refunded,
-- disputes, withdrawn, reinstated, warnings, and the ages of the days with charges, as far as weeks are looked at.
-- Account by account, each from the index that holds its days whole (`ix_daily_rollups_whole`): their rows lie scattered.
select account.id::text as account, told.first_charge_on, told.unconverted_count, told.parts
from unnest(cast(:accounts as uuid[])) as account(id)
cross join lateral (
    select min(first_charge_on) as first_charge_on, sum(unconverted_count)::bigint as unconverted_count,
        json_agg(json_build_array(bucket, ends_frame, currency, captured_minor, unconverted_count, charge_count,
            revenue_minor, failed_count, refund_count, refunded_minor, dispute_count, withdrawn_minor, reinstated_minor,
            fraud_warning_count, active_ages))::text as parts
    from (
        select (age + 29) / 30 - 1 as bucket, age in (30, 90) as ends_frame, currency,
            sum(captured_minor) as captured_minor, sum(unconverted_count) as unconverted_count,
            sum(charge_count) as charge_count, sum(settled_minor) as revenue_minor, sum(failed_count) as failed_count,
            sum(refund_count) as refund_count, sum(refunded_minor) as refunded_minor,
            sum(dispute_count) as dispute_count, sum(withdrawn_minor) as withdrawn_minor,
            sum(reinstated_minor) as reinstated_minor, sum(fraud_warning_count) as fraud_warning_count,
            min(day) filter (where charge_count > 0) as first_charge_on,
            array_agg(age) filter (where age <= 182 and charge_count > 0) as active_ages
        from daily_rollups
        cross join lateral (select cast(:today as date) - day) as counted(age)
        where integration_account_id = account.id and day <= cast(:today as date)
        group by bucket, ends_frame, currency
    ) as parts
) as told
where told.parts is not null
