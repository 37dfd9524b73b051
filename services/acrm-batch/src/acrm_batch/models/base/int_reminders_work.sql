/*---
description: What the lead manager is to do (R05).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
window: {stg_contacts: maintenance.days}
at: {int_lead_decisions: [day]}
---*/
-- One row per customer and piece of work; the branch is his lead branch. Whether a quota is near
-- enough to the end of the month is decided with the days ahead. Who was nobody's customer the day
-- before is newly assigned, too; the first day of the history is its own day before.
with key_customers as (
    select
        key_customer.customer_id,
        $bd - cast(
            param('maintenance.days', coalesce(unit.legal_entity_id, '*')) as integer
        ) as maintained_after
    from int_key_customers as key_customer
    inner join int_lead_decisions as decision on decision.customer_id = key_customer.customer_id
    left join int_org_units as unit on unit.org_id = decision.lead_branch_id
),

maintained as (
    select distinct contact.customer_id
    from stg_contacts as contact
    inner join key_customers on key_customers.customer_id = contact.customer_id
    where
        contact.channel in ('visit', 'call')
        and coalesce(contact.result, '') <> 'not_reached'
        and contact.contacted_on > key_customers.maintained_after
        and contact.contacted_on <= $bd
),

work as (
    select
        'R05.VISIT_QUOTA_NOT_MET' as rule_code,
        customer_id,
        'month:' || month as reminder_window,
        last_day($bd) + 1 as due_on,
        loan_balance as amount
    from int_visit_quotas
    where not is_met
    union all
    select
        'R05.NOT_MAINTAINED', key_customer.customer_id, 'month:' || strftime($bd, '%Y-%m'),
        last_day($bd) + 1, cast(null as decimal(18,2))
    from key_customers as key_customer
    left join maintained on maintained.customer_id = key_customer.customer_id
    where maintained.customer_id is null
    union all
    select
        'R05.NEWLY_ASSIGNED', now.customer_id, 'on:' || strftime($bd, '%Y-%m-%d'), $bd + 1, null
    from int_lead_decisions as now
    left join int_lead_decisions_day as before on before.customer_id = now.customer_id
    where
        now.lead_manager_id <> coalesce(before.lead_manager_id, '')
        and now.manager_from <> 'virtual'
)

select
    work.rule_code,
    work.customer_id,
    decision.lead_branch_id as branch_id,
    'customer:' || work.customer_id as subject,
    work.reminder_window,
    work.due_on,
    work.amount,
    'CNY' as currency
from work
inner join int_lead_decisions as decision on decision.customer_id = work.customer_id
