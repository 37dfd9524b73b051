/*---
description: What falls due within the days ahead, with the business key of its reminder.
kind: base
partition: as_of
key: [reminder_id]
version: 1
audits:
  - {not_null: [customer_id, subject, reminder_window, due_on, lead_branch_id]}
  - {assert: "due_on > $bd"}
---*/
-- One row per reminder of the night.
with due as (
    select
        'R02.LOAN_MATURES' as rule_code, customer_id, branch_id,
        'loan:' || loan_id as subject, matures_on as due_on, balance as amount, currency
    from stg_loans
    where status = 'running'
    union all
    select
        'R02.REPAYMENT_DUE', loan.customer_id, loan.branch_id,
        'loan:' || loan.loan_id, instalment.due_on,
        cast(sum(instalment.principal + instalment.interest) as decimal(18,2)), loan.currency
    from stg_loan_schedules as instalment
    inner join stg_loans as loan on loan.loan_id = instalment.loan_id and loan.status = 'running'
    where instalment.paid_on is null and instalment.due_on > $bd
    group by loan.customer_id, loan.branch_id, loan.loan_id, instalment.due_on, loan.currency
    union all
    select
        'R02.CARD_REPAYMENT_DUE', card.customer_id, card.branch_id,
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
        'R02.DEPOSIT_MATURES', customer_id, branch_id,
        'account:' || account_id, matures_on, case when is_known then balance end, currency
    from int_account_balances
    where is_open and product in ('time', 'certificate')
    union all
    select
        'R02.WEALTH_MATURES', customer_id, branch_id,
        'holding:' || holding_id, matures_on, amount, 'CNY'
    from stg_wealth_holdings
    where not coalesce(ended_on <= $bd, false)
    union all
    select
        'R02.DOCUMENT_EXPIRES', customer_id, null,
        'customer:' || customer_id, document_expires_on, null, 'CNY'
    from stg_customers
    union all
    select
        'R02.RISK_PROFILE_EXPIRES', customer_id, null,
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
)

select
    reminder_id(entities.rule_code, subject, 'due:' || strftime(due_on, '%Y-%m-%d')) as reminder_id,
    entities.rule_code,
    customer_id,
    branch_id,
    subject,
    'due:' || strftime(due_on, '%Y-%m-%d') as reminder_window,
    due_on,
    amount,
    lead_branch_id,
    currency,
    ahead.days as days_ahead,
    $version as rule_version
from entities
inner join int_due_days as ahead
    on ahead.rule_code = entities.rule_code
    and ahead.legal_entity_id = entities.legal_entity_id
where due_on <= $bd + ahead.days
