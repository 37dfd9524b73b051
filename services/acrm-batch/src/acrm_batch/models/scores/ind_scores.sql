/*---
description: Probability, grade and reasons of every score, from the cards of catalogue/scores.
kind: scores
partition: as_of
key: [customer_id]
audits:
  - equal_sums: {with: mart_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer.
select * from mart_customers
