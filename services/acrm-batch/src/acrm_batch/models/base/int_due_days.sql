/*---
description: How many days before it is due each reminder may be raised, by legal entity.
kind: base
partition: as_of
key: [rule_code, legal_entity_id]
audits:
  - {not_null: [days]}
---*/
-- One row per rule of the batch and legal entity. What was said and does not hold on a night within
-- these days is withdrawn; what lies beyond them may come into them again and is let be. A reminder
-- of a month may be said on each of its days.
with rules as (
    select rule_code
    from (values
        ('R02.LOAN_MATURES'),
        ('R02.REPAYMENT_DUE'),
        ('R02.CARD_REPAYMENT_DUE'),
        ('R02.DEPOSIT_MATURES'),
        ('R02.WEALTH_MATURES'),
        ('R02.DOCUMENT_EXPIRES'),
        ('R02.RISK_PROFILE_EXPIRES'),
        ('R03.ARREARS'),
        ('R03.OVERDUE'),
        ('R03.CARD_OVERDUE'),
        ('R04.BIRTHDAY'),
        ('R04.FESTIVAL'),
        ('R04.TIER_UP'),
        ('R04.TIER_DOWN'),
        ('R04.BECAME_KEY'),
        ('R04.DORMANT'),
        ('R04.PROSPECT_CONVERTED'),
        ('R05.VISIT_QUOTA_NOT_MET'),
        ('R05.NOT_MAINTAINED'),
        ('R05.NEWLY_ASSIGNED')
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
        when 'R03.OVERDUE' then param('reminder.event_nights', entities.legal_entity_id)
        when 'R03.CARD_OVERDUE' then param('overdue.card_nights', entities.legal_entity_id)
        when 'R04.BIRTHDAY' then param('due.birthday_days', entities.legal_entity_id)
        when 'R04.FESTIVAL' then param('due.festival_days', entities.legal_entity_id)
        when 'R04.TIER_UP' then param('reminder.event_nights', entities.legal_entity_id)
        when 'R04.TIER_DOWN' then param('reminder.event_nights', entities.legal_entity_id)
        when 'R04.PROSPECT_CONVERTED'
            then param('reminder.event_nights', entities.legal_entity_id)
        when 'R05.VISIT_QUOTA_NOT_MET'
            then param('due.visit_quota_days', entities.legal_entity_id) + 1
        when 'R03.ARREARS' then 31
        when 'R05.NOT_MAINTAINED' then 31
        else 1
    end as integer) as days
from rules
cross join entities
