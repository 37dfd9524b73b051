/*---
description: Organisation units that are open, each with the legal entity it belongs to.
kind: base
partition: as_of
key: [org_id]
audits:
  - {assert: "org_type <> 'branch' or legal_entity_id is not null"}
---*/
-- One row per organisation unit open on the business date.
select
    unit.org_id,
    unit.parent_id,
    unit.org_type,
    unit.name_zh,
    unit.name_en,
    unit.region,
    case unit.org_type
        when 'legal_entity' then unit.org_id
        when 'branch' then parent.org_id
    end as legal_entity_id
from stg_org_units as unit
left join stg_org_units as parent
    on parent.org_id = unit.parent_id and parent.org_type = 'legal_entity'
where not coalesce(unit.closed_on <= $bd, false)
