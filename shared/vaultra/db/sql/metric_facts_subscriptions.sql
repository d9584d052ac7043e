-- Subscriptions of accounts, for their recurring revenue now and 30 days ago.
-- Grain: one row per account that ever had one; `ever` is how many. Units: as stored.
-- `subscriptions` are those that are not over since before then, by id: id, status, customer, when it began, when its
-- trial ends, when it was canceled and when it ended, pause, items, discounts, and the customer's own discount.
select s.integration_account_id::text as account, count(*) as ever,
    coalesce(json_agg(json_build_array(s.id, s.status, s.customer,
        json_build_array(coalesce(s.started_at, s.created_at), s.trial_end_at, s.canceled_at, s.ended_at),
        s.pause, s.items, s.discounts, customers.discount) order by s.id) filter (
            where s.status in ('active', 'past_due', 'unpaid') or coalesce(s.ended_at, s.canceled_at) > :then),
        '[]')::text as subscriptions
from subscriptions as s
left join customers on customers.integration_account_id = s.integration_account_id and customers.id = s.customer
    and not customers.deleted
where s.integration_account_id = any(cast(:accounts as uuid[])) and not s.deleted
group by s.integration_account_id
