-- Every business of a person, and whether its Stripe account can be read and its figures are fresh.
-- Grain: one row per business the person is a member of now. `status` is null where no account ever was connected.
select businesses.id, businesses.name, account.status, account.error, snapshot.computed_at
from user_business_memberships as memberships
join businesses on businesses.id = memberships.business_id
left join lateral (
    select status, error
    from integration_accounts
    where business_id = businesses.id and provider = 'stripe'
    order by disconnected_at desc nulls first
    limit 1
) as account on true
left join lateral (
    select computed_at
    from financial_metric_snapshots
    where business_id = businesses.id
    order by period_end desc
    limit 1
) as snapshot on true
where memberships.user_id = :user_id
