/*---
description: Probability, grade and reasons of every score, from the cards of catalogue/scores.
kind: scores
partition: as_of
key: [customer_id]
audits:
  - {range: {"score_*": [0, 1]}}
  - {mean_drift: {columns: ["score_*"], max_pct: "param('audit.score_drift_pct')"}, severity: warn}
  - equal_sums: {with: mart_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer.
select * from mart_customers
