/*---
description: A branch's money in and out since the first of January, by the ledger.
kind: indicator
partition: as_of
key: [branch_id]
---*/
-- One row per branch. A reversal takes back what it reverses.
select
    branch_id,
    year_in as flow_in_amt_y,
    year_out as flow_out_amt_y
from int_branch_ledger
