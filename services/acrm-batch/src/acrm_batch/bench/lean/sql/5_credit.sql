-- Loans, cards, products and services per customer and branch.
create temp table credit as
select
    places.place_id,
    {credit},
    coalesce(sum(lent.invested) filter (where lent.at_day = 'now'), 0) as invested_bal,
    {invested}
from lent
join places using (customer_id, branch_id)
group by places.place_id;

drop table lent;

-- A loan's balance holds from the day it was delivered until the next one; not running is 0.
create temp table owed as
select
    loan_id,
    sum(owed * greatest(0, until_on - greatest(from_on, $counted_month))) as month_days,
    sum(owed * greatest(0, until_on - greatest(from_on, $counted_year))) as year_days,
    sum(owed * greatest(0, until_on - greatest(from_on, $counted_month)))
        filter (where is_running) as running_days
from (
    select
        loan_id,
        status = 'running' as is_running,
        case when status = 'running' then balance else 0 end as owed,
        business_date as from_on,
        lead(business_date, 1, $bd + 1) over (
            partition by loan_id order by business_date
        ) as until_on
    from @loans_delivered:year
)
group by loan_id;

create temp table repaid as
select
    loan_id,
    sum(principal) filter (where paid_on >= $month_start) as principal_m,
    sum(principal) as principal_y,
    sum(interest) filter (where paid_on >= $month_start) as interest_m,
    sum(interest) as interest_y
from @loan_schedules
where paid_on between $year_start and $bd
group by loan_id;

create temp table borrowed as
with standing as (
    select
        loans.*,
        places.place_id,
        limits.ftp_loan,
        case five_tier
            when 'normal' then limits.loss_normal
            when 'special_mention' then limits.loss_special_mention
            else limits.loss_default
        end as loss,
        status = 'running' as is_running,
        status = 'running' and matures_on > $bd as is_ahead,
        matures_on between $month_start and $bd as is_matured,
        list_position(
            ['normal', 'special_mention', 'substandard', 'doubtful', 'loss'],
            coalesce(five_tier, 'loss')
        ) as tier_rank,
        list_sort(list(granted_on) over (partition by place_id)) as grants
    from loans
    join places using (customer_id, branch_id)
    join people using (customer_id)
    join limits using (legal_entity_id)
)

select
    standing.place_id,
    min(next_due_on) filter (where is_running and next_due_on > $bd)
        as loan_next_due_on,
    coalesce(sum(next_due_amount) filter (
        where is_running and next_due_on > $bd and next_due_on <= $bd + 30
    ), 0) as loan_due_30d,
    coalesce(max(days_overdue) filter (where is_running), 0)
        as loan_overdue_days,
    max(tier_rank) filter (where is_running) as tier_rank,
    max(case
        when not is_running then 0
        when interest_arrears > 0 or days_overdue > 0 then 1
        when interest_arrears is not null and days_overdue is not null then 0
    end) as overdue,
    max(last_overdue_on) as last_overdue_on,
    min(granted_on) as first_granted_on,
    max(granted_on) as loan_last_granted_on,
    min(matures_on) filter (where is_ahead) as loan_next_matures_on,
    coalesce(sum(balance) filter (where is_ahead and matures_on <= $bd + 30), 0)
        as loan_maturing_30d,
    coalesce(sum(balance) filter (where is_ahead and matures_on <= $bd + 90), 0)
        as loan_maturing_90d,
    coalesce(sum(amount) filter (where granted_on between $month_start and $bd), 0)
        as loan_disbursed_m,
    coalesce(sum(amount) filter (where granted_on between $year_start and $bd), 0)
        as loan_disbursed_y,
    count(*) filter (where granted_on between $month_start and $bd) as loan_granted_m,
    count(*) filter (where granted_on between $year_start and $bd) as loan_granted_y,
    coalesce(sum(repaid.principal_m), 0) as loan_repaid_m,
    coalesce(sum(repaid.principal_y), 0) as loan_repaid_y,
    coalesce(sum(repaid.interest_m), 0) as loan_interest_m,
    coalesce(sum(repaid.interest_y), 0) as loan_interest_y,
    count(*) filter (where settled_on between $month_start and $bd)
        as loan_settled_m,
    count(*) filter (where settled_on between $year_start and $bd)
        as loan_settled_y,
    count(*) filter (where is_matured) as loan_matured_m,
    -- Renewed where another loan of the place was granted within 30 days of the end of this one.
    count(*) filter (
        where is_matured and status = 'settled'
        and len(list_filter(grants, lambda d:
            d between matures_on - 30 and matures_on + 30
        )) > case when granted_on between matures_on - 30 and matures_on + 30 then 1 else 0 end
    ) as loan_renewed_m,
    sum(balance * rate) filter (where is_running) as rate_amt,
    sum(balance) filter (where is_running and rate is not null)
        as rated_bal,
    {products},
    max(struct_pack(size := coalesce(balance, 0), age := $bd - granted_on, loan := -loan_id,
        collateral := collateral)) filter (where is_running) as largest_loan,
    sum(coalesce(owed.month_days, 0)) as loan_month_days,
    sum(coalesce(owed.year_days, 0)) as loan_year_days,
    coalesce(sum(average(
        cast(owed.running_days as decimal(24,2))
        * cast(rate * 1000000 - ftp_loan as decimal(10,0)), 360000000
    )), 0) as contrib_loan,
    coalesce(sum(average(
        cast(owed.running_days as decimal(24,2)) * cast(loss as decimal(12,0)), 36000000000
    )), 0) as contrib_loss
from standing
left join repaid using (loan_id)
left join owed using (loan_id)
group by standing.place_id;

create temp table carded as
with used as (
    select
        card_id,
        {card_uses},
        max(business_date) filter (where direction = 'debit') as last_spent_on
    from @card_transactions:cards
    group by card_id
),

statements as (
    select
        card_id,
        sum(amount) filter (where due_on > $bd) as due_amt,
        sum(minimum_due) filter (where due_on > $bd) as due_minimum,
        min(due_on) filter (where due_on > $bd) as next_due_on,
        sum(amount) filter (where due_on <= $bd) as past_due_amt
    from @card_statements
    where statement_on <= $bd and not coalesce(paid_on <= $bd, false)
    group by card_id
),

standing as (
    select *, not coalesce(closed_on <= $bd, false) as is_open from cards
)

select
    places.place_id,
    count(*) filter (where is_open) as open_cnt,
    count(*) filter (where issued_on >= $month_start) as card_issued_m,
    count(*) filter (where issued_on >= $year_start) as card_issued_y,
    count(*) filter (where is_open and activated_on <= $bd) as card_activated_cnt,
    count(*) filter (where activated_on between $month_start and $bd) as card_activated_m,
    count(*) filter (where is_open and used.card_spend_cnt_90d > 0) as card_active_cnt,
    {card_sums},
    max(used.last_spent_on) as card_last_spent_on,
    coalesce(sum(statements.due_amt), 0) as card_due_amt,
    coalesce(sum(statements.due_minimum), 0) as card_due_minimum,
    min(statements.next_due_on) as card_next_due_on,
    coalesce(max(overdue_periods) filter (where is_open), 0) as card_overdue_periods,
    max(struct_pack(size := coalesce(credit_limit, 0), age := $bd - issued_on,
        card := -standing.card_id, product := product, statement_day := statement_day))
        filter (where is_open) as main_card,
    coalesce(sum(balance) filter (where is_open), 0) as owed_bal,
    coalesce(sum(balance) filter (where is_open and overdue_periods > 0), 0)
        as card_overdue_bal,
    coalesce(sum(least(coalesce(statements.past_due_amt, 0), coalesce(balance, 0)))
        filter (where is_open and coalesce(overdue_periods, 0) = 0), 0) as card_revolving_bal
from standing
join places using (customer_id, branch_id)
left join used using (card_id)
left join statements using (card_id)
group by places.place_id;

create temp table held as
select
    holding_id,
    sum(amount * greatest(0, until_on - greatest(from_on, $counted_month))) as month_days,
    sum(amount * greatest(0, until_on - greatest(from_on, $counted_year))) as year_days
from (
    select
        holding_id,
        amount,
        greatest(business_date, bought_on) as from_on,
        least(ended_on, lead(business_date, 1, $bd + 1) over (
            partition by holding_id order by business_date
        )) as until_on
    from @wealth_holdings_delivered:year
)
group by holding_id;

create temp table invested as
select
    places.place_id,
    {bought},
    sum(coalesce(held.month_days, 0)) as invested_month_days,
    sum(coalesce(held.year_days, 0)) as invested_year_days,
    coalesce(sum(amount) filter (where ended_on between $month_start and $bd), 0)
        as invested_ended_m,
    coalesce(sum(amount) filter (where ended_on between $year_start and $bd), 0)
        as invested_ended_y,
    coalesce(sum(amount) filter (where is_ahead and matures_on <= $bd + 15), 0)
        as invested_maturing_15d,
    coalesce(sum(amount) filter (where is_ahead and matures_on <= $bd + 30), 0)
        as invested_maturing_30d,
    min(matures_on) filter (where is_ahead) as invested_next_matures_on,
    max(bought_on) as invested_last_bought_on
from (
    select *, not coalesce(ended_on <= $bd, false) and matures_on > $bd as is_ahead from holdings
)
join places using (customer_id, branch_id)
left join held using (holding_id)
group by places.place_id;

create temp table served as
select
    place_id,
    sum(employers) as payroll_employer_cnt,
    sum(members) as payroll_member_cnt,
    sum(merchants) as merchant_cnt,
    sum(merchants_m) as merchant_signed_m,
    sum(merchants_y) as merchant_signed_y,
    sum(orders) as standing_order_cnt,
    coalesce(sum(order_amt), 0) as standing_order_amt,
    sum(utilities) as standing_utilities_cnt
from (
    select
        places.place_id, 1 as employers, 0 as members, 0 as merchants, 0 as merchants_m,
        0 as merchants_y, 0 as orders, 0 as order_amt, 0 as utilities
    from members join places using (customer_id, branch_id)
    union all
    select places.place_id, 0, 1, 0, 0, 0, 0, 0, 0
    from members
    join places
        on places.customer_id = members.employer_id and places.branch_id = members.branch_id
    union all
    select
        places.place_id, 0, 0,
        case when coalesce(ended_on <= $bd, false) then 0 else 1 end,
        case when signed_on >= $month_start then 1 else 0 end,
        case when signed_on >= $year_start then 1 else 0 end, 0, 0, 0
    from merchants join places using (customer_id, branch_id)
    union all
    select
        accounts.place_id, 0, 0, 0, 0, 0, 1, amount,
        case when purpose = 'utilities' then 1 else 0 end
    from @standing_orders
    join accounts using (account_id)
    where not coalesce(closed_on <= $bd, false)
)
group by place_id;
