-- The disputes and inquiries that came and the payouts that failed in a period, which an owner wants to hear of.
-- Grain: one row per business, kind and currency. Units: `amount_minor` in minor units of `currency`.
-- Bounds: from `since` up to but without `until`, by Stripe's time: of the dispute, and of the movement that gave a failed payout back.
with accounts as (
    select id, business_id
    from integration_accounts
    where business_id = any(cast(:business_ids as uuid[]))
),
events as (
    select accounts.business_id, disputes.currency, disputes.amount_minor,
        case when disputes.status like 'warning\_%' then 'inquiry' else 'dispute' end as kind
    from accounts
    join disputes on disputes.integration_account_id = accounts.id
    where disputes.created_at >= :since and disputes.created_at < :until and not disputes.deleted
    union all
    select accounts.business_id, payouts.currency, payouts.amount_minor, 'failed_payout'
    from accounts
    join balance_transactions as returned on returned.integration_account_id = accounts.id
    join payouts on payouts.integration_account_id = accounts.id
        and payouts.failure_balance_transaction = returned.id
    where returned.created_at >= :since and returned.created_at < :until
        and payouts.status = 'failed' and not payouts.deleted
)
select business_id, kind, currency, count(*) as how_many, sum(amount_minor)::bigint as amount_minor
from events
group by business_id, kind, currency
order by business_id, kind, currency
