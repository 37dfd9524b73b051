/*---
description: How many others a customer is related to, by relation.
kind: indicator
partition: as_of
key: [customer_id]
---*/
-- One row per customer with a relation in force. Living in one household holds both ways, everything
-- else from the customer to the other.
with related as (
    select customer_id, related_customer_id, relation
    from stg_customer_relations
    where effective_from <= $bd and not coalesce(effective_until <= $bd, false)
    union
    select related_customer_id as customer_id, customer_id as related_customer_id, relation
    from stg_customer_relations
    where
        relation = 'household_member'
        and effective_from <= $bd
        and not coalesce(effective_until <= $bd, false)
)

select
    customer_id,
    count(*) filter (where relation = 'household_member') as rel_household_member,
    count(*) filter (where relation = 'guarantor') as rel_guarantor,
    count(*) filter (where relation = 'group_member') as rel_group_member,
    count(*) filter (where relation = 'subsidiary') as rel_subsidiary,
    count(*) filter (where relation = 'legal_representative') as rel_legal_representative,
    max(case when relation = 'household_member' then 1 else 0 end) as is_in_household
from related
group by customer_id
