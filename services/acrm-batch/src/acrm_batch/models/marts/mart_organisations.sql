/*---
description: Everything that is known of a branch, a legal entity or the union, in one wide row.
kind: mart
partition: as_of
key: [org_id]
families: branch
audits:
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
---*/
-- One row per open organisation unit. A unit is made of its branches' business with everybody,
-- customers who are invalid today too: the union's amounts are the ledger's.
select
    org_id,
    org_type
from int_org_units
