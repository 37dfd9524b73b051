/*---
description: How many days ahead each due reminder is raised, by legal entity.
kind: base
partition: as_of
key: [rule_code, legal_entity_id]
audits:
  - {not_null: [days]}
---*/
-- One row per rule and legal entity.
with rules as (
    select rule_code
    from (values
        ('R02.LOAN_MATURES'),
        ('R02.REPAYMENT_DUE'),
        ('R02.CARD_REPAYMENT_DUE'),
        ('R02.DEPOSIT_MATURES'),
        ('R02.WEALTH_MATURES'),
        ('R02.DOCUMENT_EXPIRES'),
        ('R02.RISK_PROFILE_EXPIRES')
    ) as listed (rule_code)
),

entities as (
    select legal_entity_id from int_org_units where legal_entity_id is not null
    union
    select legal_entity_id from int_customers
)

select
    rules.rule_code,
    entities.legal_entity_id,
    cast(case rules.rule_code
        when 'R02.LOAN_MATURES' then param('due.loan_days', entities.legal_entity_id)
        when 'R02.REPAYMENT_DUE' then param('due.repayment_days', entities.legal_entity_id)
        when 'R02.CARD_REPAYMENT_DUE' then param('due.card_days', entities.legal_entity_id)
        when 'R02.DEPOSIT_MATURES' then param('due.deposit_days', entities.legal_entity_id)
        when 'R02.WEALTH_MATURES' then param('due.wealth_days', entities.legal_entity_id)
        when 'R02.DOCUMENT_EXPIRES' then param('due.document_days', entities.legal_entity_id)
        when 'R02.RISK_PROFILE_EXPIRES'
            then param('due.risk_profile_days', entities.legal_entity_id)
    end as integer) as days
from rules
cross join entities
