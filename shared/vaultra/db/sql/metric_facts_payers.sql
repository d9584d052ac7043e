-- Who paid accounts, how much of it repeatedly and how much for subscriptions, for their metrics.
-- Grain: one row per account with charges in the 180 days that end on today. Units: minor units of the settlement
-- currency; a charge that has none is left out. Bounds: succeeded, captured charges; earlier ones however old.
with recent_charges as materialized (
    select integration_account_id as account, id, coalesce(customer, card_fingerprint) as payer, payment_intent,
        invoice, settled_minor, (created_at at time zone 'UTC')::date as day
    from charges
    where integration_account_id = any(:accounts) and status = 'succeeded' and captured and not deleted
        and settled_minor is not null
        and created_at >= cast(:first_day as date)::timestamp at time zone 'UTC'
        and created_at < (cast(:today as date) + 1)::timestamp at time zone 'UTC'
), first_days as (
    select integration_account_id as account, coalesce(customer, card_fingerprint) as payer,
        (min(created_at) at time zone 'UTC')::date as first_day
    from charges
    where integration_account_id = any(:accounts) and status = 'succeeded' and captured and not deleted
        and created_at < (cast(:today as date) - 29)::timestamp at time zone 'UTC'
    group by 1, 2
), subscription_payments as (
    select integration_account_id as account, payment as reference
    from invoices
    cross join lateral jsonb_array_elements_text(paid_by || to_jsonb(id)) as payment
    where integration_account_id = any(:accounts) and subscription is not null and not deleted
), subscription_charges as (
    select distinct recent_charges.account, recent_charges.id
    from recent_charges
    cross join lateral unnest(array[id, payment_intent, invoice]) as reference
    join subscription_payments using (account, reference)
), judged_charges as (
    select recent_charges.account, recent_charges.payer, settled_minor,
        first_days.first_day <= recent_charges.day - 30 as is_repeat,
        subscription_charges.id is not null as is_subscription
    from recent_charges
    left join first_days using (account, payer)
    left join subscription_charges using (account, id)
), payers as (
    select account, payer, count(*) as charge_count, sum(settled_minor) as volume_minor,
        sum(settled_minor) filter (where is_repeat) as repeat_minor,
        sum(settled_minor) filter (where is_subscription) as subscription_minor
    from judged_charges
    group by account, payer
)
select account,
    sum(charge_count)::bigint as charge_count,
    sum(volume_minor)::bigint as volume_minor,
    coalesce(sum(volume_minor) filter (where payer is not null), 0)::bigint as identified_minor,
    count(payer) as payer_count,
    coalesce(max(volume_minor) filter (where payer is not null), 0)::bigint as top_payer_minor,
    coalesce(sum(repeat_minor), 0)::bigint as repeat_minor,
    coalesce(sum(subscription_minor), 0)::bigint as subscription_minor
from payers
group by account
