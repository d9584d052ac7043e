-- The Stripe balance of accounts over the 90 days that end on today, and after them.
-- Grain: one row per account. Units: minor units of the settlement currency; `nets` are the movements of the days that
-- are `ages` before today.
-- The opening balance is what /v1/balance said less the movements between the first day and that reading; where it
-- was read before the first day, plus those in between; null where it was never read.
with accounts as (
    select id as account, default_currency as currency, to_timestamp((balance ->> 'as_of')::bigint) as read_at,
        cast(:first_day as date)::timestamp at time zone 'UTC' as begins_at,
        (select coalesce(sum((part ->> 'amount')::bigint), 0)
         from jsonb_array_elements(
            coalesce(balance -> 'available', '[]') || coalesce(balance -> 'pending', '[]')) as part
         where part ->> 'currency' = default_currency) as read_minor
    from integration_accounts
    where id = any(cast(:accounts as uuid[]))
), movements as (
    select accounts.account, created_at, net_minor, begins_at, read_at,
        cast(:today as date) - (created_at at time zone 'UTC')::date as age
    from accounts
    join balance_transactions on integration_account_id = accounts.account
        and balance_transactions.currency = accounts.currency and not deleted
        and created_at >= least(begins_at, read_at)
), openings as (
    select account,
        coalesce(sum(-net_minor) filter (where created_at >= begins_at and created_at <= read_at), 0)
            + coalesce(sum(net_minor) filter (
                where created_at < begins_at and created_at > read_at), 0) as change_minor
    from movements
    group by account
), days as (
    select account, age, sum(net_minor)::bigint as net_minor
    from movements
    where created_at >= begins_at
    group by account, age
), running as (
    select account, array_to_json(array_agg(age)) as ages, array_to_json(array_agg(net_minor)) as nets
    from days
    group by account
)
select accounts.account::text as account, running.ages, running.nets,
    case when read_at is not null then (read_minor + coalesce(change_minor, 0))::bigint end as opening_minor
from accounts
left join openings using (account)
left join running using (account)
