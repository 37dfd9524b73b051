/*---
description: Delivered rows that name a customer, account, loan, card, campaign or branch that nobody delivered.
kind: check
partition: as_of
key: [source, row_id, names, missing]
window: {stg_transactions: month_end, stg_loan_events: 1, stg_card_transactions: 1, stg_contacts: 1, stg_campaign_targets: 1, stg_reminder_outcomes: 1}
audits:
  - {assert: "not is_money"}
  - {assert: "is_money", severity: warn}
---*/
-- One row per row and name that leads nowhere; `row_id` is the first column of the row's key, and of
-- several rows with the same one is told. Models join along these names, so what such a row carries
-- would be missing from every figure without a word: customers, accounts, loans, cards, balances and
-- bookings block, everything else is only told. Events are looked at on their own day, bookings back
-- to the month end before, as an earlier day may be delivered again.
with customers as (
    select
        'deposit_accounts' as source,
        account_id as row_id,
        'customer_id' as names,
        customer_id as named
    from stg_deposit_accounts
    union all
    select 'loans', loan_id, 'customer_id', customer_id from stg_loans
    union all
    select 'credit_cards', card_id, 'customer_id', customer_id from stg_credit_cards
    union all
    select 'wealth_holdings', holding_id, 'customer_id', customer_id from stg_wealth_holdings
    union all
    select 'contacts', contact_id, 'customer_id', customer_id from stg_contacts
    union all
    select 'campaign_targets', campaign_id, 'customer_id', customer_id from stg_campaign_targets
    union all
    select 'card_transactions', card_txn_id, 'customer_id', customer_id from stg_card_transactions
    union all
    select 'payroll_members', employer_id, 'customer_id', customer_id from stg_payroll_members
    union all
    select 'payroll_members', employer_id, 'employer_id', employer_id as named
    from stg_payroll_members
    union all
    select 'merchants', merchant_id, 'customer_id', customer_id from stg_merchants
    union all
    select 'digital_channels', customer_id, 'customer_id', customer_id as named
    from stg_digital_channels
    union all
    select 'customer_relations', customer_id, 'customer_id', customer_id as named
    from stg_customer_relations
    union all
    select 'customer_relations', customer_id, 'related_customer_id', related_customer_id
    from stg_customer_relations
    union all
    select 'coverage_locks', customer_id, 'customer_id', customer_id as named
    from stg_coverage_locks
    union all
    select 'coverage_managers', customer_id, 'customer_id', customer_id as named
    from stg_coverage_managers
    union all
    select 'private_managers', customer_id, 'customer_id', customer_id as named
    from stg_private_managers
    union all
    select 'reminder_outcomes', customer_id, 'customer_id', customer_id as named
    from stg_reminder_outcomes
),

accounts as (
    select 'balances' as source, account_id as row_id, account_id as named from stg_balances
    union all
    select 'transactions', txn_id, account_id from stg_transactions
    union all
    select 'standing_orders', order_id, account_id from stg_standing_orders
    union all
    select 'payroll_members', employer_id, account_id from stg_payroll_members
    union all
    select 'merchants', merchant_id, account_id from stg_merchants
),

loans as (
    select 'loan_events' as source, event_no as row_id, loan_id as named from stg_loan_events
    union all
    select 'loan_schedules', loan_id, loan_id as named from stg_loan_schedules
),

cards as (
    select 'card_statements' as source, card_id as row_id, card_id as named
    from stg_card_statements
    union all
    select 'card_transactions', card_txn_id, card_id from stg_card_transactions
),

campaigns as (
    select 'campaign_targets' as source, campaign_id as row_id, campaign_id as named
    from stg_campaign_targets
    union all
    select 'contacts', contact_id, campaign_id from stg_contacts where campaign_id is not null
),

branches as (
    select 'deposit_accounts' as source, account_id as row_id, branch_id as named
    from stg_deposit_accounts
    union all
    select 'loans', loan_id, branch_id from stg_loans
    union all
    select 'credit_cards', card_id, branch_id from stg_credit_cards
    union all
    select 'customers', customer_id, home_branch_id from stg_customers
    union all
    select 'wealth_holdings', holding_id, branch_id from stg_wealth_holdings
    union all
    select 'merchants', merchant_id, branch_id from stg_merchants
    union all
    select 'campaign_targets', campaign_id, branch_id from stg_campaign_targets
    union all
    select 'coverage_locks', customer_id, branch_id from stg_coverage_locks
    union all
    select 'coverage_managers', customer_id, branch_id from stg_coverage_managers
    union all
    select 'reminder_outcomes', customer_id, branch_id from stg_reminder_outcomes
),

orphans as (
    select
        customers.source,
        customers.row_id,
        customers.names,
        cast(customers.named as varchar) as missing
    from customers
    left join stg_customers as known on known.customer_id = customers.named
    where known.customer_id is null
    union
    select accounts.source, accounts.row_id, 'account_id', cast(accounts.named as varchar)
    from accounts
    left join stg_deposit_accounts as known on known.account_id = accounts.named
    where known.account_id is null
    union
    select loans.source, loans.row_id, 'loan_id', cast(loans.named as varchar)
    from loans
    left join stg_loans as known on known.loan_id = loans.named
    where known.loan_id is null
    union
    select cards.source, cards.row_id, 'card_id', cast(cards.named as varchar)
    from cards
    left join stg_credit_cards as known on known.card_id = cards.named
    where known.card_id is null
    union
    select campaigns.source, campaigns.row_id, 'campaign_id', cast(campaigns.named as varchar)
    from campaigns
    left join stg_campaigns as known on known.campaign_id = campaigns.named
    where known.campaign_id is null
    union
    select branches.source, branches.row_id, 'branch_id', branches.named
    from branches
    left join stg_org_units as known on known.org_id = branches.named
    where known.org_id is null
)

select
    orphans.*,
    source in (
        'customers', 'deposit_accounts', 'loans', 'credit_cards', 'balances', 'transactions'
    ) as is_money
from orphans
