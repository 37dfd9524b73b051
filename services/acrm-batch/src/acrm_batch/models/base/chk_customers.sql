/*---
description: Reconciliation of published customers' deposits with the accounts, in the whole union.
kind: check
partition: as_of
key: [total]
audits:
  - {assert: "published + inactive = accounts"}
---*/
-- One row: deposits of active customers as published, of inactive ones, and of all open accounts.
select
    'deposits' as total,
    (select coalesce(sum(dep_bal), 0) from mart_customers) as published,
    (
        select coalesce(sum(balance.dep_bal), 0)
        from ind_balances as balance
        where balance.customer_id not in (select customer_id from int_customers)
    ) as inactive,
    (select coalesce(sum(balance), 0) from int_account_balances where is_open) as accounts
