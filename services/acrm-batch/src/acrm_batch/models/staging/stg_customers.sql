/*---
description: >-
  One row per customer, one customer per person, business or group; `home_branch_id` registered it first.
kind: staging
key: [customer_id]
---*/
-- One row per customer_id, as it stands on the business date.
select
    customer_id,
    customer_type,
    name,
    document_type,
    document_no,
    document_expires_on,
    phone,
    sex,
    birth_date,
    occupation,
    education,
    marital_status,
    region,
    address,
    industry,
    company_size,
    founded_on,
    legal_representative,
    risk_profile,
    risk_profile_expires_on,
    status,
    home_branch_id,
    customer_since
from landing.customers
