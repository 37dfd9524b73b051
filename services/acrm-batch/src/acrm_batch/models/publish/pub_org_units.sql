/*---
description: Organisation units open on the date.
kind: publish
partition: as_of
key: [org_id]
---*/
-- One row per organisation unit.
select * from int_org_units
