/*---
description: >-
  Union, legal entities, branches. Every branch has a legal entity as parent.
kind: staging
key: [org_id]
---*/
-- One row per org_id, as it stands on the business date.
select
    org_id,
    parent_id,
    org_type,
    name_zh,
    name_en,
    region,
    opened_on,
    closed_on
from landing.org_units
