/*---
description: >-
  Loans as they stand: `amount` granted, `balance` outstanding, `last_overdue_on` the last day on which anything was overdue or in arrears, `rate` a fraction of one per year (0.0385 is 3.85 %). Empty where the source does not say.
kind: staging
key: [loan_id]
---*/
-- One row per loan_id, as it stands on the business date.
select
    loan_id,
    customer_id,
    branch_id,
    manager_id,
    account_id,
    product,
    currency,
    credit_line,
    amount,
    balance,
    rate,
    collateral,
    granted_on,
    matures_on,
    settled_on,
    next_due_on,
    next_due_amount,
    five_tier,
    interest_arrears,
    days_overdue,
    last_overdue_on,
    status
from landing.loans
