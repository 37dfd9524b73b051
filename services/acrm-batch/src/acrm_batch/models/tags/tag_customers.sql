/*---
description: Every leaf tag as a BOOLEAN column, beside scores and what else conditions speak of; rules are in catalogue/tags.
kind: tags
partition: as_of
key: [customer_id]
ranges_of: mart_customers
audits:
  - {range: {"strength_*": [0, 100]}}
  - {range: {pot_age: [0, 130]}, severity: warn}
  - {holds_drift: {columns: ["tag_*"], max_pct: "param('audit.tag_drift_pct')"}, severity: warn}
---*/
-- One row per active customer. Conditions speak of all these columns; what the mart keeps is not kept here again.
select
    mart.*,
    scores.* exclude (customer_id),
    services.* exclude (customer_id),
    deposits.* exclude (customer_id),
    credit.* exclude (customer_id),
    flows.* exclude (customer_id),
    contacted.capped_contacts,
    initiated.initiated_last_on
from mart_customers as mart
left join ind_scores as scores on scores.customer_id = mart.customer_id
left join pot_services as services on services.customer_id = mart.customer_id
left join pot_deposits as deposits on deposits.customer_id = mart.customer_id
left join pot_credit as credit on credit.customer_id = mart.customer_id
left join pot_flows as flows on flows.customer_id = mart.customer_id
left join int_capped_contacts as contacted on contacted.customer_id = mart.customer_id
left join int_initiated as initiated on initiated.customer_id = mart.customer_id
