/*---
description: Indicators of a manager's business at a branch, by code.
kind: publish
partition: published
key: [branch_id, manager_id]
pack: manager
---*/
-- One row per branch and manager.
select * from mart_managers
