/*---
description: Everything that is known of a branch, a legal entity or the union, in one wide row.
kind: mart
partition: as_of
key: [org_id]
families: branch
audits:
  - range:
      cust_coverage_rate: [0, 1]
      cust_cross_rate: [0, 1]
      cust_key_private_rate: [0, 1]
      ch_active_rate: [0, 1]
      card_activation_rate: [0, 1]
      card_active_rate: [0, 1]
      mkt_reach_rate_90d: [0, 1]
      sms_delivery_rate_90d: [0, 1]
      rem_done_rate_m: [0, 1]
      service_met_rate: [0, 1]
      visit_quota_met_rate: [0, 1]
      loan_npl_ratio: [0, 1]
      loan_overdue_ratio: [0, 1]
  - {range: {loan_util: [0, 1], loan_rate_avg: [0, 0.5]}, severity: warn}
  - {assert: "aum_bal = dep_bal + wealth_bal + fund_bal + insurance_bal"}
---*/
-- One row per open organisation unit. A unit is made of its branches' business with everybody,
-- customers who are invalid today too: the union's amounts are the ledger's.
select
    org_id,
    org_type
from int_org_units
