/*---
description: Everything that is known of a manager's portfolio at a branch, in one wide row.
kind: mart
partition: as_of
key: [branch_id, manager_id]
families: manager
audits:
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
---*/
-- One row per branch and manager that answers for business there, or had reminders or figures lately; a branch's virtual manager has
-- what nobody else answers for, so that managers add up to their branch.
select
    branch_id,
    manager_id
from int_place_managers
