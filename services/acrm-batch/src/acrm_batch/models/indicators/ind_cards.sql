/*---
description: A customer's credit cards at a branch, their use, and what is owed on statements.
kind: indicator
partition: as_of
key: [customer_id, branch_id]
window: {stg_card_transactions: 366}
audits:
  - {assert: "card_active_cnt <= card_open_cnt and card_revolving_bal <= card_owed_bal"}
---*/
-- One row per customer and branch that has or had a credit card.
with cards as (
    select
        *,
        not coalesce(closed_on <= $bd, false) as is_open,
        -- 44 characters, the greatest of the card with the largest limit, of equal ones of the earlier.
        lpad(cast(cast(100 * coalesce(credit_limit, 0) as bigint) as varchar), 18, '0')
        || lpad(cast(date '9999-12-31' - issued_on as varchar), 7, '0')
        || lpad(cast(9223372036854775807 - card_id as varchar), 19, '0') as size_key
    from stg_credit_cards
    where card_type = 'credit' and issued_on <= $bd
),

uses as (
    select
        card_id,
        booked_on,
        amount,
        direction = 'debit' as is_spent,
        direction = 'debit' and category = 'instalment' as is_instalment
    from stg_card_transactions
    where booked_on <= $bd
),

used as (
    select
        card_id,
        sum(amount) filter (where is_spent and booked_on >= date_trunc('month', $bd)) as spend_m,
        sum(amount) filter (where is_spent and booked_on >= date_trunc('year', $bd)) as spend_y,
        sum(amount) filter (where is_spent and booked_on > $bd - 30) as spend_30d,
        sum(amount) filter (where is_spent and booked_on > $bd - 90) as spend_90d,
        count(*) filter (where is_spent and booked_on > $bd - 30) as spend_cnt_30d,
        count(*) filter (where is_spent and booked_on > $bd - 90) as spend_cnt_90d,
        sum(amount) filter (where is_instalment and booked_on > $bd - 90) as instalment_90d,
        sum(amount) filter (where not is_spent and booked_on >= date_trunc('month', $bd))
            as repaid_m,
        sum(amount) filter (where not is_spent and booked_on >= date_trunc('year', $bd))
            as repaid_y,
        max(case when is_spent then booked_on end) as last_spent_on
    from uses
    group by card_id
),

statements as (
    select
        card_id,
        sum(case when due_on > $bd then amount end) as due_amt,
        sum(case when due_on > $bd then minimum_due end) as due_minimum,
        min(case when due_on > $bd then due_on end) as next_due_on,
        sum(case when due_on <= $bd then amount end) as past_due_amt
    from stg_card_statements
    where statement_on <= $bd and not coalesce(paid_on <= $bd, false)
    group by card_id
)

select
    card.customer_id,
    card.branch_id,
    count(*) filter (where card.is_open) as card_open_cnt,
    count(*) filter (where card.issued_on >= date_trunc('month', $bd)) as card_issued_m,
    count(*) filter (where card.issued_on >= date_trunc('year', $bd)) as card_issued_y,
    count(*) filter (where card.is_open and card.activated_on <= $bd) as card_activated_cnt,
    count(*) filter (
        where card.activated_on >= date_trunc('month', $bd) and card.activated_on <= $bd
    ) as card_activated_m,
    count(*) filter (where card.is_open and used.spend_cnt_90d > 0) as card_active_cnt,
    cast(coalesce(sum(used.spend_m), 0) as decimal(18,2)) as card_spend_m,
    cast(coalesce(sum(used.spend_y), 0) as decimal(18,2)) as card_spend_y,
    cast(coalesce(sum(used.spend_30d), 0) as decimal(18,2)) as card_spend_30d,
    cast(coalesce(sum(used.spend_90d), 0) as decimal(18,2)) as card_spend_90d,
    cast(coalesce(sum(used.spend_cnt_30d), 0) as bigint) as card_spend_cnt_30d,
    cast(coalesce(sum(used.spend_cnt_90d), 0) as bigint) as card_spend_cnt_90d,
    cast(coalesce(sum(used.instalment_90d), 0) as decimal(18,2)) as card_instalment_90d,
    cast(coalesce(sum(used.repaid_m), 0) as decimal(18,2)) as card_repaid_m,
    cast(coalesce(sum(used.repaid_y), 0) as decimal(18,2)) as card_repaid_y,
    max(used.last_spent_on) as card_last_spent_on,
    cast(coalesce(sum(statements.due_amt), 0) as decimal(18,2)) as card_due_amt,
    cast(coalesce(sum(statements.due_minimum), 0) as decimal(18,2)) as card_due_minimum,
    min(statements.next_due_on) as card_next_due_on,
    cast(coalesce(max(case when card.is_open then card.overdue_periods end), 0) as bigint)
        as card_overdue_periods,
    cast(coalesce(sum(case when card.is_open then card.balance end), 0) as decimal(18,2))
        as card_owed_bal,
    max(case when card.is_open then card.size_key || card.product end) as card_main_product,
    max(case when card.is_open
        then card.size_key || coalesce(cast(card.statement_day as varchar), '') end)
        as card_main_day,
    cast(coalesce(sum(case when card.is_open and card.overdue_periods > 0 then card.balance end), 0)
        as decimal(18,2)) as card_overdue_bal,
    -- Past its due date, not paid in full, and not overdue: at least the minimum was paid.
    cast(coalesce(sum(case when card.is_open and coalesce(card.overdue_periods, 0) = 0
        then least(coalesce(statements.past_due_amt, 0), coalesce(card.balance, 0)) end), 0)
        as decimal(18,2)) as card_revolving_bal
from cards as card
left join used on used.card_id = card.card_id
left join statements on statements.card_id = card.card_id
group by card.customer_id, card.branch_id
