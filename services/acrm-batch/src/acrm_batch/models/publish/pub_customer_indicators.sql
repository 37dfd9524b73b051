/*---
description: Indicators of the union's whole business with a customer, by code.
kind: publish
partition: as_of
key: [customer_id]
pack: customer
---*/
-- One row per active customer.
select * exclude (
    legal_entity_id, covering_branches, credit_cards, wealth_holdings, is_key_customer
)
from mart_customers
