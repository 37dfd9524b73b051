-- A segment of the last quarter of a year.
insert into ledger
select
    date '{since}',
    account_id,
    case
        when reverses_txn_id is not null then 1
        when reversed_in is null then 0
        when reversed_in = date_trunc('month', business_date) then 1
        else 2
    end as state,
    sum(signed),
    sum(signed * cast(business_date - date '1970-01-01' as integer)),
    sum(amount) filter (where is_in and txn_type = 'interest' and business_date > $first_day),
    sum(amount) filter (where is_in and txn_type = 'acquiring'),
    sum(amount) filter (where is_in),
    count(*) filter (where is_in),
    max(amount) filter (where is_in),
    sum(amount) filter (where not is_in),
    count(*) filter (where not is_in),
    max(amount) filter (where not is_in),
    sum(amount) filter (where is_other and not is_in),
    count(*) filter (where is_other and not is_in),
    sum(amount) filter (where is_other and is_in),
    bit_or(cast(1 as ubigint) << cast(business_date - date '{since}' as integer)),
    max(business_date),
    count(*) filter (where channel = 'counter'),
    count(*) filter (where channel = 'atm'),
    count(*) filter (where channel = 'pos'),
    count(*) filter (where channel = 'mobile'),
    count(*) filter (where channel = 'web'),
    count(*) filter (where channel = 'third_party'),
    count(*) filter (where is_own and utc_hour >= 10),
    count(*) filter (where is_own and (utc_hour < 4 or utc_hour >= 22)),
    count(*) filter (where is_own and utc_hour >= 4 and utc_hour < 10),
    count(*) filter (where is_own and utc_hour >= 10 and utc_hour < 14),
    count(*) filter (where is_own and utc_hour >= 14 and utc_hour < 22),
    sum(signed) filter (where txn_type = 'fee'),
    sum(amount) filter (where is_in and txn_type = 'payroll'),
    sum(amount) filter (where is_in and txn_type = 'pension'),
    sum(amount) filter (where not is_in and txn_type = 'purchase'),
    max(amount) filter (where is_in and txn_type in ('land_compensation', 'property_sale')),
    max(business_date) filter (where is_initiated),
    count(*) filter (where is_initiated),
    sum(amount) filter (where is_initiated)
from (
    select
        account_id,
        txn_id,
        business_date,
        amount,
        channel,
        txn_type,
        reverses_txn_id,
        direction = 'credit' as is_in,
        case when direction = 'credit' then amount else -amount end as signed,
        counterparty_bank is not null as is_other,
        hour(booked_at) as utc_hour,
        channel not in ('system', 'unknown') as is_own,
        channel <> 'system' and txn_type in (
            'cash_in', 'cash_out', 'card_withdrawal', 'transfer_out', 'purchase',
            'household_payment', 'insurance', 'deposit_open', 'deposit_close', 'wealth_buy',
            'wealth_redeem', 'loan_repayment', 'card_repayment'
        ) as is_initiated
    from @transactions:segment
) as booking
left join reversals using (txn_id)
group by account_id, state;
