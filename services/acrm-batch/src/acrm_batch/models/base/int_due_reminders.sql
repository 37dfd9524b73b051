/*---
description: What falls due within the days ahead, with the business key of its reminder.
kind: base
partition: as_of
key: [reminder_id]
audits:
  - {not_null: [customer_id, subject, reminder_window, due_on, lead_branch_id]}
  - {assert: "due_on > $bd"}
---*/
-- One row per reminder of the night.
with due as (
    select
        'R02.LOAN_MATURES' as rule_code, 'due.loan_days' as ahead, customer_id, branch_id,
        'loan:' || loan_id as subject, matures_on as due_on, balance as amount, currency
    from stg_loans
    where status = 'running'
    union all
    select
        'R02.REPAYMENT_DUE', 'due.repayment_days', loan.customer_id, loan.branch_id,
        'loan:' || loan.loan_id, instalment.due_on,
        cast(sum(instalment.principal + instalment.interest) as decimal(18,2)), loan.currency
    from stg_loan_schedules as instalment
    inner join stg_loans as loan on loan.loan_id = instalment.loan_id and loan.status = 'running'
    where instalment.paid_on is null and instalment.due_on > $bd
    group by loan.customer_id, loan.branch_id, loan.loan_id, instalment.due_on, loan.currency
    union all
    select
        'R02.CARD_REPAYMENT_DUE', 'due.card_days', card.customer_id, card.branch_id,
        'card:' || card.card_id, statement.due_on,
        cast(sum(statement.amount) as decimal(18,2)), 'CNY'
    from stg_card_statements as statement
    inner join stg_credit_cards as card on card.card_id = statement.card_id
    where
        statement.paid_on is null
        and statement.amount > 0
        and statement.due_on > $bd
        and card.card_type = 'credit'
        and card.issued_on <= $bd
        and not coalesce(card.closed_on <= $bd, false)
    group by card.customer_id, card.branch_id, card.card_id, statement.due_on
    union all
    select
        'R02.DEPOSIT_MATURES', 'due.deposit_days', customer_id, branch_id,
        'account:' || account_id, matures_on, case when is_known then balance end, currency
    from int_account_balances
    where is_open and product in ('time', 'certificate')
    union all
    select
        'R02.WEALTH_MATURES', 'due.wealth_days', customer_id, branch_id,
        'holding:' || holding_id, matures_on, amount, 'CNY'
    from stg_wealth_holdings
    where not coalesce(ended_on <= $bd, false)
    union all
    select
        'R02.DOCUMENT_EXPIRES', 'due.document_days', customer_id, null,
        'customer:' || customer_id, document_expires_on, null, 'CNY'
    from stg_customers
    union all
    select
        'R02.RISK_PROFILE_EXPIRES', 'due.risk_profile_days', customer_id, null,
        'customer:' || customer_id, risk_profile_expires_on, null, 'CNY'
    from stg_customers
    where risk_profile is not null
),

-- The legal entity whose days ahead hold is the branch's, else that of the customer's home.
entities as (
    select
        due.*,
        decision.lead_branch_id,
        coalesce(unit.legal_entity_id, customer.legal_entity_id) as legal_entity_id
    from due
    inner join int_customers as customer on customer.customer_id = due.customer_id
    inner join int_lead_decisions as decision on decision.customer_id = due.customer_id
    left join int_org_units as unit on unit.org_id = due.branch_id
    where due.due_on > $bd
),

days_ahead as (
    select
        ahead,
        legal_entity_id,
        cast(case ahead
            when 'due.loan_days' then param('due.loan_days', legal_entity_id)
            when 'due.repayment_days' then param('due.repayment_days', legal_entity_id)
            when 'due.card_days' then param('due.card_days', legal_entity_id)
            when 'due.deposit_days' then param('due.deposit_days', legal_entity_id)
            when 'due.wealth_days' then param('due.wealth_days', legal_entity_id)
            when 'due.document_days' then param('due.document_days', legal_entity_id)
            when 'due.risk_profile_days' then param('due.risk_profile_days', legal_entity_id)
        end as integer) as days
    from (select distinct ahead, legal_entity_id from entities)
)

select
    reminder_id(rule_code, subject, 'due:' || strftime(due_on, '%Y-%m-%d')) as reminder_id,
    rule_code,
    customer_id,
    branch_id,
    subject,
    'due:' || strftime(due_on, '%Y-%m-%d') as reminder_window,
    due_on,
    amount,
    lead_branch_id,
    currency,
    days_ahead.days as days_ahead
from entities
inner join days_ahead
    on days_ahead.ahead = entities.ahead
    and days_ahead.legal_entity_id = entities.legal_entity_id
where due_on <= $bd + days_ahead.days
