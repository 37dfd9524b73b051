-- The ledger, read once from the first day that any window needs. Days between which no window
-- begins or ends are one segment; a segment is summed per account without any filter, and windows
-- are put together from segments. A booking that was reversed, and what reversed it, are told apart
-- by `state`: 0 counts, 1 counts for balances and costs alone, 2 was reversed in a later month and
-- so counts for what is kept of the year.
create temp table reversals as
select
    reverses_txn_id as txn_id,
    date_trunc('month', business_date) as reversed_in
from @transactions:ledger
where reverses_txn_id is not null;

create temp table ledger (
    since date,
    account_id bigint,
    state utinyint,
    moved decimal(18,2),
    moved_days decimal(38,2),
    interest decimal(18,2),
    acquiring decimal(18,2),
    in_amt decimal(18,2),
    in_cnt integer,
    in_max decimal(18,2),
    out_amt decimal(18,2),
    out_cnt integer,
    out_max decimal(18,2),
    other_amt decimal(18,2),
    other_cnt integer,
    other_in_amt decimal(18,2),
    active ubigint,
    last_on date,
    counter_cnt integer,
    atm_cnt integer,
    pos_cnt integer,
    mobile_cnt integer,
    web_cnt integer,
    third_party_cnt integer,
    off_hours_cnt integer,
    morning_cnt integer,
    afternoon_cnt integer,
    evening_cnt integer,
    night_cnt integer,
    fee_net decimal(18,2),
    payroll decimal(18,2),
    pension decimal(18,2),
    purchase decimal(18,2),
    proceeds decimal(18,2),
    initiated_on date,
    initiated_cnt integer,
    initiated_amt decimal(18,2)
);

{segments}

create temp table parties as
select
    places.customer_id,
    accounts.place_id,
    hash(counterparty_bank, counterparty_account) as party,
    max(business_date) as last_on
from @transactions:quarter
join accounts using (account_id)
join places using (place_id)
where
    direction = 'debit'
    and counterparty_bank is not null
    and reverses_txn_id is null
    and txn_id not in (select txn_id from reversals)
group by all;

-- Salaries of the last days, and what left for other banks on that day and the next.
create temp table salaries as
with days as (
    select
        account_id,
        business_date as day,
        sum(amount) filter (where direction = 'credit') as paid,
        sum(amount) filter (where direction = 'debit') as left_amt
    from @transactions:flow
    where
        (direction = 'credit' and txn_type = 'payroll'
            or direction = 'debit' and counterparty_bank is not null)
        and reverses_txn_id is null
        and txn_id not in (select txn_id from reversals)
    group by account_id, business_date
)

select
    places.customer_id,
    paid.account_id,
    paid.paid as payroll_amt,
    coalesce(paid.left_amt, 0) + coalesce(next_day.left_amt, 0) as moved_amt
from days as paid
join accounts on accounts.account_id = paid.account_id
join places using (place_id)
left join days as next_day
    on next_day.account_id = paid.account_id and next_day.day = paid.day + 1
where paid.paid > 0;
