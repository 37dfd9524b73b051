/*---
description: Who covers whom, with the amounts that the row's branch may see.
kind: publish
partition: as_of
key: [branch_id, customer_id, role]
audits:
  - {not_null: [deposit_balance, loan_balance]}
  - {assert: "(role = 'lead') = (rule is not null) and (role = 'lead') = (is_key_customer is not null)"}
---*/
-- One row per branch, customer and role. Amounts are the union's on a lead row, the branch's on an
-- assist row, which says nothing else that comes from business elsewhere.
select
    coverage.branch_id,
    coverage.customer_id,
    coverage.role,
    coverage.manager_id,
    case coverage.role when 'lead' then coverage.rule end as rule,
    coverage.lead_branch_id,
    case coverage.role when 'lead' then customer.is_key_customer end as is_key_customer,
    case coverage.role when 'lead' then customer.dep_bal else coalesce(place.dep_bal, 0) end
        as deposit_balance,
    case coverage.role when 'lead' then customer.loan_bal else coalesce(place.loan_bal, 0) end
        as loan_balance
from int_coverage as coverage
inner join mart_customers as customer on customer.customer_id = coverage.customer_id
left join mart_customer_branches as place
    on place.customer_id = coverage.customer_id and place.branch_id = coverage.branch_id
