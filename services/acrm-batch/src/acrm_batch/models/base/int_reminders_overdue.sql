/*---
description: What is overdue or in arrears (R03).
kind: base
partition: as_of
key: [rule_code, subject, reminder_window]
---*/
-- One row per loan in arrears, loan that has been overdue for the days, and card statement that was
-- not paid. The day on which the oldest missed instalment was due stays while `days_overdue` grows.
with loans as (
    select
        loan.*,
        cast(param('overdue.days', coalesce(unit.legal_entity_id, customer.legal_entity_id))
            as integer) as overdue_days,
        cast(param(
            'reminder.event_nights', coalesce(unit.legal_entity_id, customer.legal_entity_id)
        ) as integer) as event_nights
    from stg_loans as loan
    inner join int_customers as customer on customer.customer_id = loan.customer_id
    left join int_org_units as unit on unit.org_id = loan.branch_id
    where loan.status = 'running'
),

unpaid as (
    select
        card.customer_id,
        card.branch_id,
        card.card_id,
        statement.due_on,
        cast(param('overdue.card_nights', coalesce(unit.legal_entity_id, customer.legal_entity_id))
            as integer) as card_nights,
        sum(statement.amount) as amount
    from stg_card_statements as statement
    inner join stg_credit_cards as card on card.card_id = statement.card_id
    inner join int_customers as customer on customer.customer_id = card.customer_id
    left join int_org_units as unit on unit.org_id = card.branch_id
    where
        statement.paid_on is null
        and statement.amount > 0
        and statement.due_on < $bd
        and card.card_type = 'credit'
        and card.issued_on <= $bd
        and not coalesce(card.closed_on <= $bd, false)
    group by
        card.customer_id,
        card.branch_id,
        card.card_id,
        statement.due_on,
        coalesce(unit.legal_entity_id, customer.legal_entity_id)
)

select
    'R03.ARREARS' as rule_code,
    customer_id,
    branch_id,
    'loan:' || loan_id as subject,
    'month:' || strftime($bd, '%Y-%m') as reminder_window,
    last_day($bd) + 1 as due_on,
    interest_arrears as amount,
    currency
from loans
where interest_arrears > 0
union all
select
    'R03.OVERDUE',
    customer_id,
    branch_id,
    'loan:' || loan_id,
    'since:' || strftime($bd - days_overdue, '%Y-%m-%d') || ':' || overdue_days,
    $bd - days_overdue + overdue_days + event_nights,
    balance,
    currency
from loans
where days_overdue >= overdue_days and days_overdue < overdue_days + event_nights
union all
select
    'R03.CARD_OVERDUE',
    customer_id,
    branch_id,
    'card:' || card_id,
    'due:' || strftime(due_on, '%Y-%m-%d'),
    due_on + card_nights + 1,
    cast(amount as decimal(18,2)),
    'CNY'
from unpaid
where $bd <= due_on + card_nights
