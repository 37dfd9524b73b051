/*---
description: >-
  The general ledger's counter entries of the day: deposits' net movement plus theirs is 0.
kind: staging
key: [business_date, gl_code, branch_id]
---*/
-- One row per day, gl_code and branch_id of the window.
select
    gl_code,
    branch_id,
    debit,
    credit,
    business_date
from landing.gl_totals
