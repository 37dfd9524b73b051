/*---
description: How many others a customer is related to, by relation.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a relation in force. Every relation holds both ways: living in one
-- household under the same name, any other under the name that it has from the other side.
with in_force as (
    select customer_id, related_customer_id, relation
    from stg_customer_relations
    where effective_from <= $bd and not coalesce(effective_until <= $bd, false)
),

related as (
    select customer_id, related_customer_id, relation from in_force
    union
    select
        related_customer_id as customer_id,
        customer_id as related_customer_id,
        case relation
            when 'guarantor' then 'guaranteed'
            when 'group_member' then 'group'
            when 'subsidiary' then 'parent'
            when 'legal_representative' then 'represented'
            else relation
        end as relation
    from in_force
)

select
    customer_id,
    count(*) filter (where relation = 'household_member') as rel_household_member,
    count(*) filter (where relation = 'guarantor') as rel_guarantor,
    count(*) filter (where relation = 'guaranteed') as rel_guaranteed,
    count(*) filter (where relation = 'group_member') as rel_group_member,
    count(*) filter (where relation = 'group') as rel_group,
    count(*) filter (where relation = 'subsidiary') as rel_subsidiary,
    count(*) filter (where relation = 'parent') as rel_parent,
    count(*) filter (where relation = 'legal_representative') as rel_legal_representative,
    count(*) filter (where relation = 'represented') as rel_represented,
    max(case when relation = 'household_member' then 1 else 0 end) as is_in_household
from related
group by customer_id
