/*---
description: What a customer's loans and credit cards tell of what could be offered.
kind: potential
partition: as_of
key: [customer_id]
---*/
-- One row per active customer that has or had a loan or a credit card. Rules:
-- docs/rules/potential.md, T02 and T03. `bd - 1 year` of 29 February is the 28th.
with loans as (
    select
        loan.customer_id,
        max(case when loan.status = 'running' then 1 else 0 end) as running,
        max(case when loan.status = 'running' and loan.balance = 0 then loan.credit_line end)
            as pot_undrawn_line,
        max(case
            when
                loan.status = 'settled'
                and loan.settled_on <= $bd
                and loan.settled_on
                > $bd - cast(param('potential.settled_days', customer.legal_entity_id) as integer)
                and loan.last_overdue_on is null
                then loan.amount
        end) as pot_settled_amt,
        max(case
            when
                loan.status = 'running'
                and loan.product = 'mortgage'
                and loan.granted_on <= $bd - to_years(
                    cast(param('potential.mortgage_years', customer.legal_entity_id) as integer)
                )
                and loan.last_overdue_on is null
                and coalesce(loan.interest_arrears, 0) = 0
                and coalesce(loan.days_overdue, 0) = 0
                then loan.balance
        end) as pot_mortgage_balance,
        max(case
            when
                loan.granted_on > $bd - to_years(1)
                and loan.granted_on <= cast($bd - to_years(1) as date)
                + cast(param('potential.seasonal_days', customer.legal_entity_id) as integer)
                then loan.amount
        end) as pot_seasonal_amt
    from stg_loans as loan
    inner join int_customers as customer on customer.customer_id = loan.customer_id
    group by loan.customer_id
),

late as (
    select
        statement.card_id,
        count(*) as statements
    from stg_card_statements as statement
    inner join stg_credit_cards as card on card.card_id = statement.card_id
    inner join int_customers as customer on customer.customer_id = card.customer_id
    where
        statement.amount > 0
        and statement.statement_on <= $bd
        and statement.statement_on > $bd - to_months(
            cast(param('potential.punctual_months', customer.legal_entity_id) as integer)
        )
        and (
            statement.paid_on > statement.due_on
            or statement.paid_on is null and statement.due_on < $bd
        )
    group by statement.card_id
),

open_cards as (
    select
        card.customer_id,
        card.card_id,
        card.credit_limit,
        card.balance,
        coalesce(card.overdue_periods, 0) = 0 and late.card_id is null and card.credit_limit > 0
            as is_punctual,
        card.issued_on
        <= $bd - cast(param('potential.activation_days', customer.legal_entity_id) as integer)
        and (card.activated_on is null or card.activated_on > $bd) as is_sleeping
    from stg_credit_cards as card
    inner join int_customers as customer on customer.customer_id = card.customer_id
    left join late on late.card_id = card.card_id
    where
        card.card_type = 'credit'
        and card.issued_on <= $bd
        and not coalesce(card.closed_on <= $bd, false)
),

used as (
    select
        customer_id,
        balance,
        credit_limit
    from open_cards
    where is_punctual
    qualify row_number() over (
        partition by customer_id
        order by cast(balance as double) / credit_limit desc nulls last, credit_limit desc, card_id
    ) = 1
),

cards as (
    select
        customer_id,
        count(*) as pot_open_cards,
        max(case when is_sleeping then 1 else 0 end) as sleeping
    from open_cards
    group by customer_id
),

people as (
    select customer_id from loans
    union
    select customer_id from cards
)

select
    people.customer_id,
    coalesce(loans.running, 0) = 1 as pot_has_running_loan,
    cast(loans.pot_undrawn_line as decimal(18,2)) as pot_undrawn_line,
    cast(loans.pot_settled_amt as decimal(18,2)) as pot_settled_amt,
    cast(loans.pot_mortgage_balance as decimal(18,2)) as pot_mortgage_balance,
    cast(loans.pot_seasonal_amt as decimal(18,2)) as pot_seasonal_amt,
    coalesce(cards.pot_open_cards, 0) as pot_open_cards,
    coalesce(cards.sleeping, 0) = 1 as pot_has_sleeping_card,
    cast(used.balance as decimal(18,2)) as pot_card_balance,
    cast(used.credit_limit as decimal(18,2)) as pot_card_limit
from people
left join loans on loans.customer_id = people.customer_id
left join cards on cards.customer_id = people.customer_id
left join used on used.customer_id = people.customer_id
