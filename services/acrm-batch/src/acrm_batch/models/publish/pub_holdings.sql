/*---
description: Deposits, loans, cards, wealth products and standing orders, open or ended.
kind: publish
partition: as_of
key: [customer_id, kind, holding_id]
---*/
-- One row per holding of an active customer. Details that are empty are left out.
with holdings as (
    select
        customer_id, branch_id, 'deposit' as kind, account_id as holding_id, product, currency,
        case when is_known then balance end as balance, opened_on, matures_on,
        case when is_open then 'open' else 'closed' end as status,
        filled_json({'closed_on': cast(closed_on as varchar)}) as details
    from int_account_balances
    union all
    select
        customer_id, branch_id, 'loan', loan_id, product, currency, balance, granted_on,
        matures_on, status,
        filled_json({
            'amount': cast(amount as varchar), 'credit_line': cast(credit_line as varchar),
            'rate': cast(rate as varchar), 'collateral': collateral, 'manager_id': manager_id,
            'five_tier': five_tier, 'next_due_on': cast(next_due_on as varchar),
            'next_due_amount': cast(next_due_amount as varchar),
            'interest_arrears': cast(interest_arrears as varchar), 'days_overdue': days_overdue,
            'last_overdue_on': cast(last_overdue_on as varchar),
            'settled_on': cast(settled_on as varchar)
        })
    from stg_loans
    union all
    select
        customer_id, branch_id, 'card', card_id, product, 'CNY', balance, issued_on, null,
        case when closed_on <= $bd then 'closed' else 'open' end,
        filled_json({
            'card_type': card_type, 'credit_limit': cast(credit_limit as varchar),
            'statement_day': statement_day, 'overdue_periods': overdue_periods,
            'manager_id': manager_id, 'activated_on': cast(activated_on as varchar),
            'closed_on': cast(closed_on as varchar)
        })
    from stg_credit_cards
    union all
    select
        customer_id, branch_id, 'wealth', holding_id, product, 'CNY', amount, bought_on,
        matures_on, case when ended_on <= $bd then 'ended' else 'held' end,
        filled_json({'wealth_kind': kind, 'ended_on': cast(ended_on as varchar)})
    from stg_wealth_holdings
    union all
    -- A standing order bears no date: it is shown with that of its account.
    select
        account.customer_id, account.branch_id, 'standing_order', standing.order_id,
        coalesce(standing.purpose, 'standing_order'), account.currency, null, account.opened_on,
        null, case when account.is_open then 'open' else 'closed' end,
        filled_json({
            'account_id': standing.account_id, 'amount': cast(standing.amount as varchar),
            'counterparty_bank': standing.counterparty_bank
        })
    from stg_standing_orders as standing
    inner join int_account_balances as account on account.account_id = standing.account_id
)

select
    holdings.customer_id,
    holdings.branch_id,
    decision.lead_branch_id,
    holdings.kind,
    holdings.holding_id,
    holdings.product,
    holdings.currency,
    holdings.balance,
    holdings.opened_on,
    holdings.matures_on,
    holdings.status,
    holdings.details
from holdings
inner join int_lead_decisions as decision on decision.customer_id = holdings.customer_id
