/*---
description: Why the lead is the lead.
kind: publish
partition: as_of
key: [customer_id]
---*/
-- One row per active customer: rule, version, and the values the lead was decided on. Amounts are
-- text with two decimals; `sums` are balance times days, which is what was compared.
with averages as (
    select
        customer_id,
        list({
            'branch_id': branch_id,
            'average': cast(average(balance_days, param('coverage.averaging_days')) as varchar),
            'sum': cast(balance_days as varchar),
            'first_opened_on': cast(first_opened_on as varchar)
        } order by balance_days desc, first_opened_on, branch_id) as averages
    from int_branch_averages
    group by customer_id
),

month_end as (
    select max(month_end) as decided_on from int_ledger_totals
)

select
    decision.customer_id,
    decision.rule,
    decision.rule_version,
    decision.lead_branch_id,
    decision.lead_manager_id,
    case when decision.rule = 'deposit' then decision.previous_lead_branch_id end
        as previous_lead_branch_id,
    coalesce(
        decision.rule = 'deposit'
        and decision.is_month_end_lead
        and decision.previous_lead_branch_id <> decision.lead_branch_id, false
    ) as moved,
    filled_json({
        'averages': averages.averages,
        'deposit_branch_id': decision.deposit_branch_id,
        'deposit_lead_decided_on':
        cast(case when decision.is_month_end_lead then month_end.decided_on else $bd end as varchar),
        'loan_id': decision.loan_id,
        'settled_loan_id': decision.settled_loan_id,
        'settled_on': cast(decision.settled_on as varchar),
        'card_id': decision.card_id,
        'lock_branch_id': decision.lock_branch_id,
        'locked_until': cast(decision.locked_until as varchar),
        'home_branch_id': decision.home_branch_id,
        'without_lock': case when decision.rule = 'locked' then decision.natural_branch_id end,
        'parameters': {
            'coverage.averaging_days': param('coverage.averaging_days'),
            'coverage.hysteresis_pct': param('coverage.hysteresis_pct'),
            'coverage.hysteresis_month_ends': param('coverage.hysteresis_month_ends'),
            'coverage.settled_loan_days': param('coverage.settled_loan_days')
        }
    }) as inputs
from int_lead_decisions as decision
left join averages on averages.customer_id = decision.customer_id
cross join month_end
