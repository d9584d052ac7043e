-- Subscriptions of accounts, for their recurring revenue now and 30 days ago.
-- Grain: one row per subscription that is not over since before then, or null but for the count where all are.
-- Units: as stored. `customer_discount` is the customer's own, `ever` the account's number of subscriptions.
with ever as (
    select integration_account_id as account, count(*) as subscriptions
    from subscriptions
    where integration_account_id = any(cast(:accounts as uuid[])) and not deleted
    group by integration_account_id
)
select ever.account::text as account, ever.subscriptions as ever, s.id, s.status, s.customer,
    coalesce(s.started_at, s.created_at) as started_at, s.trial_end_at, s.canceled_at, s.ended_at, s.pause::text as pause,
    s.items::text as items, s.discounts::text as discounts, customers.discount::text as customer_discount
from ever
left join subscriptions as s on s.integration_account_id = ever.account and not s.deleted
    and (s.status in ('active', 'past_due', 'unpaid') or coalesce(s.ended_at, s.canceled_at) > :then)
left join customers on customers.integration_account_id = s.integration_account_id and customers.id = s.customer
    and not customers.deleted
order by ever.account, s.id
