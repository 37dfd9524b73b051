-- One row: the accounts open on $day and their total, opening + signed sum of bookings.
with balances as (
    select account_id, balance, business_date as delivered_on
    from read_parquet($landing || '/business_date=*/balances.parquet', hive_partitioning = true)
    where business_date <= $day
),

openings as (
    select account_id, min(delivered_on) as delivered_on, arg_min(balance, delivered_on) as balance
    from balances
    group by account_id
),

moved as (
    select t.account_id, sum(case t.direction when 'credit' then t.amount else -t.amount end) as moved
    from read_parquet($landing || '/business_date=*/transactions.parquet', hive_partitioning = true) as t
    inner join openings as o on o.account_id = t.account_id and t.business_date > o.delivered_on
    where t.business_date <= $day
    group by t.account_id
),

accounts as (
    select account_id, arg_max(coalesce(closed_on, date '9999-12-31'), business_date) as closed_on
    from read_parquet($landing || '/business_date=*/deposit_accounts.parquet', hive_partitioning = true)
    where business_date <= $day
    group by account_id
)

select count(*), coalesce(sum(o.balance + coalesce(m.moved, 0)), 0)
from accounts as a
inner join openings as o on o.account_id = a.account_id
left join moved as m on m.account_id = a.account_id
where a.closed_on > $day
