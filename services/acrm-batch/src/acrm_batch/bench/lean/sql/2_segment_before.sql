-- A segment before the last quarter of a year, of which balances and the year's sums are made.
insert into ledger by name
select
    date '{since}' as since,
    account_id,
    case
        when reverses_txn_id is not null then 1
        when reversed_in is null then 0
        when reversed_in = date_trunc('month', business_date) then 1
        else 2
    end as state,
    sum(signed) as moved,
    sum(signed * cast(business_date - date '1970-01-01' as integer)) as moved_days,
    sum(amount) filter (where is_in and txn_type = 'interest' and business_date > $first_day)
        as interest,
    sum(signed) filter (where txn_type = 'fee') as fee_net,
    sum(amount) filter (where is_in and txn_type = 'acquiring') as acquiring
from (
    select
        account_id,
        txn_id,
        business_date,
        amount,
        txn_type,
        reverses_txn_id,
        direction = 'credit' as is_in,
        case when direction = 'credit' then amount else -amount end as signed
    from @transactions:segment
) as booking
left join reversals using (txn_id)
group by account_id, state;
