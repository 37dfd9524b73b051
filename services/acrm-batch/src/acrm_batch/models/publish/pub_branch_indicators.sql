/*---
description: Indicators of branches, legal entities and the union, by code.
kind: publish
partition: published
key: [org_id]
pack: branch
---*/
-- One row per organisation unit.
select * from mart_organisations
