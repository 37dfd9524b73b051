-- Loans, cards and products as they stood on one day.
insert into lent by name
select
    '{at_day}' as at_day,
    customer_id,
    branch_id,
    balance as loan_bal,
    credit_line as loan_line,
    1 as loan_cnt,
    interest_arrears as loan_arrears,
    case when days_overdue > 0 or interest_arrears > 0 then balance end as loan_overdue_bal,
    case when five_tier in ('substandard', 'doubtful', 'loss') then balance end as loan_npl_bal
from {loans}
where status = 'running';

insert into lent by name
select
    '{at_day}' as at_day,
    customer_id,
    branch_id,
    1 as card_cnt,
    credit_limit as card_limit,
    balance as card_bal
from {cards}
where
    card_type = 'credit'
    and issued_on <= date '{day}'
    and not coalesce(closed_on <= date '{day}', false);

insert into lent by name
select
    '{at_day}' as at_day,
    customer_id,
    branch_id,
    case when kind = 'wealth' then amount end as wealth_bal,
    case when kind = 'fund' then amount end as fund_bal,
    case when kind = 'insurance' then amount end as insurance_bal,
    1 as invested_cnt,
    amount as invested
from {holdings}
where bought_on <= date '{day}' and not coalesce(ended_on <= date '{day}', false);
