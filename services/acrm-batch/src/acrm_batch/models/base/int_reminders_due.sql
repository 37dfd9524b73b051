/*---
description: What falls due within the days ahead (R02).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
---*/
-- One row per loan, instalment, statement, deposit, holding or document that falls due within the
-- most days ahead of any legal entity.
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

ahead as (
    select rule_code, max(days) as days from int_due_days group by rule_code
)

select
    due.rule_code,
    due.customer_id,
    due.branch_id,
    due.subject,
    'due:' || strftime(due.due_on, '%Y-%m-%d') as reminder_window,
    due.due_on,
    cast(due.amount as decimal(18,2)) as amount,
    due.currency
from due
inner join ahead on ahead.rule_code = due.rule_code
where due.due_on > $bd and due.due_on <= $bd + ahead.days
