-- The connected accounts of businesses, with what is kept of an earlier reading of their objects.
-- Grain: one row per business with a connected account, by business. `basis` tells states of an account's objects apart; what was
-- kept at another one is not given. The kept payers stand as long as no day with charges has entered their 180 days
-- or left them; the kept balance can be moved to any later day.
select a.id::text as account, a.business_id, a.default_currency, a.standing, a.history_complete, present.basis,
    kept.read_on, kept.balance::text as balance,
    case when kept.read_on = cast(:today as date) or not exists (
        select from daily_rollups as rollup
        where rollup.integration_account_id = a.id and rollup.charge_count > 0
            and (rollup.day between kept.read_on - cast(:payer_days as int) + 1 and cast(:payers_from as date) - 1
                or rollup.day between kept.read_on + 1 and cast(:today as date))
    ) then kept.payers::text end as payers
from integration_accounts as a
cross join lateral (
    select md5(concat_ws('|', a.objects_version, a.default_currency, a.balance, a.standing, a.history_complete)) as basis
) as present
left join kept_facts as kept on kept.integration_account_id = a.id and kept.basis = present.basis
    and kept.read_on <= cast(:today as date)
where a.business_id = any(cast(:businesses as uuid[])) and a.provider = 'stripe' and a.status <> 'disconnected'
order by a.business_id
