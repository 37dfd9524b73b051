/*---
description: Accounts at other banks that a customer paid to within 90 days, and when last.
kind: base
partition: as_of
key: [customer_id, branch_id, counterparty]
window: {stg_transactions: 90}
---*/
-- One row per customer, branch and counterparty, which is a hash and not an account number.
select
    account.customer_id,
    account.branch_id,
    md5(booking.counterparty_bank || '|' || coalesce(booking.counterparty_account, ''))
        as counterparty,
    max(booking.booked_on) as last_on
from stg_transactions as booking
inner join stg_deposit_accounts as account on account.account_id = booking.account_id
where
    booking.booked_on > $bd - 90
    and booking.booked_on <= $bd
    and booking.direction = 'debit'
    and booking.counterparty_bank is not null
    and booking.reverses_txn_id is null
    and booking.txn_id not in (
        select reverses_txn_id from stg_transactions where reverses_txn_id is not null
    )
group by all
