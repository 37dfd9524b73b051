/*---
description: Relations in force between customers.
kind: publish
partition: as_of
key: [customer_id, related_customer_id, relation]
---*/
-- One row per relation in force.
select
    relation.customer_id,
    relation.related_customer_id,
    relation.relation,
    relation.share,
    coalesce(covering.covering_branch_ids, cast([] as varchar[])) as covering_branch_ids
from stg_customer_relations as relation
left join int_covering_branches as covering on covering.customer_id = relation.customer_id
where
    relation.effective_from <= $bd
    and not coalesce(relation.effective_until <= $bd, false)
