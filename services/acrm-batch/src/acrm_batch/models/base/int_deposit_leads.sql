/*---
description: The deposit lead as decided at month ends, each from the one before.
kind: base
partition: month_end
key: [customer_id, branch_id]
before:
  customer_id: bigint
  branch_id: varchar
  balance_days: decimal(38,2)
  incumbent_branch_id: varchar
  previous_lead_branch_id: varchar
  streak: integer
  is_lead: boolean
audits:
  - {equal_sums: {with: int_branch_averages, by: [customer_id], columns: [balance_days]}}
---*/
-- One row per customer and branch with an open deposit account at the month end; exactly one of a
-- customer's rows is the lead. `incumbent_branch_id` led when the month end began, `streak` counts
-- the month ends in a row at which the branch was far enough above that same incumbent.
with incumbents as (
    select leads.customer_id, leads.branch_id
    from int_deposit_leads_before as leads
    inner join int_branch_averages as still_open
        on still_open.customer_id = leads.customer_id
        and still_open.branch_id = leads.branch_id
    where leads.is_lead
),

compared as (
    select
        average.customer_id,
        average.branch_id,
        average.balance_days,
        average.first_opened_on,
        incumbents.branch_id as incumbent_branch_id,
        average.branch_id <> incumbents.branch_id
        and average.balance_days > 0
        and average.balance_days * 100
            >= incumbent_average.balance_days * (100 + param('coverage.hysteresis_pct'))
            as is_above
    from int_branch_averages as average
    left join incumbents on incumbents.customer_id = average.customer_id
    left join int_branch_averages as incumbent_average
        on incumbent_average.customer_id = incumbents.customer_id
        and incumbent_average.branch_id = incumbents.branch_id
),

counted as (
    select
        compared.*,
        cast(case when coalesce(compared.is_above, false) then 1 + case
            when earlier.incumbent_branch_id = compared.incumbent_branch_id then earlier.streak
            else 0
        end else 0 end as integer) as streak
    from compared
    left join int_deposit_leads_before as earlier
        on earlier.customer_id = compared.customer_id
        and earlier.branch_id = compared.branch_id
),

ranked as (
    select
        counted.*,
        row_number() over (
            partition by customer_id
            order by
                case
                    when incumbent_branch_id is null then 0
                    when streak >= param('coverage.hysteresis_month_ends') then 0
                    when branch_id = incumbent_branch_id then 1
                    else 2
                end,
                balance_days desc, first_opened_on, branch_id
        ) as place
    from counted
)

select
    ranked.customer_id,
    ranked.branch_id,
    ranked.balance_days,
    ranked.incumbent_branch_id,
    before.branch_id as previous_lead_branch_id,
    ranked.streak,
    ranked.place = 1 as is_lead
from ranked
left join int_deposit_leads_before as before
    on before.customer_id = ranked.customer_id and before.is_lead
