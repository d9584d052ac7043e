-- Who paid accounts, how much of it repeatedly and how much for subscriptions, for their metrics.
-- Grain: one row per account with charges in the 180 days that end on today. Units: minor units of the settlement
-- currency; a charge that has none only counts as a charge. Bounds: succeeded, captured charges; earlier ones however old.
-- The one large join is between two materialized sets, so that it can be a hash join whatever is known about them.
with charges_ever as (
    select integration_account_id as account, id, coalesce(customer, card_fingerprint) as payer, payment_intent,
        invoice, settled_minor, (created_at at time zone 'UTC')::date as day
    from charges
    where integration_account_id = any(cast(:accounts as uuid[])) and status = 'succeeded' and captured and not deleted
        and created_at < (cast(:today as date) + 1)::timestamp at time zone 'UTC'
), first_met as (
    select account, payer, settled_minor, day, min(day) over (partition by account, payer) as first_day
    from charges_ever
), payers as (
    select account, payer, count(*) as charge_count, sum(settled_minor) as volume_minor,
        sum(settled_minor) filter (where payer is not null and first_day <= day - 30) as repeat_minor
    from first_met
    where day >= cast(:first_day as date)
    group by account, payer
), charge_references as materialized (
    select account, id, settled_minor, reference
    from charges_ever
    cross join lateral unnest(array[id, payment_intent, invoice]) as reference
    where day >= cast(:first_day as date) and settled_minor is not null and reference is not null
), subscription_references as materialized (
    select integration_account_id as account, reference
    from invoices
    cross join lateral jsonb_array_elements_text(paid_by || to_jsonb(id)) as reference
    where integration_account_id = any(cast(:accounts as uuid[])) and subscription is not null and not deleted
), subscription_charges as (
    select distinct account, id, settled_minor
    from charge_references
    join subscription_references using (account, reference)
), subscribed as (
    select account, sum(settled_minor) as subscription_minor
    from subscription_charges
    group by account
), totals as (
    select account,
        sum(charge_count)::bigint as charge_count,
        coalesce(sum(volume_minor), 0)::bigint as volume_minor,
        coalesce(sum(volume_minor) filter (where payer is not null), 0)::bigint as identified_minor,
        count(payer) filter (where volume_minor is not null) as payer_count,
        coalesce(max(volume_minor) filter (where payer is not null), 0)::bigint as top_payer_minor,
        coalesce(sum(repeat_minor), 0)::bigint as repeat_minor
    from payers
    group by account
)
select totals.account::text as account, charge_count, volume_minor, identified_minor, payer_count, top_payer_minor,
    repeat_minor, coalesce(subscription_minor, 0)::bigint as subscription_minor
from totals
left join subscribed using (account)
