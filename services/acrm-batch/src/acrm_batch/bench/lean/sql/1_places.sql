-- What stands on the date, the columns that are asked for and no others, and a number for every
-- customer and branch with any business, so that everything below groups and joins by one integer.
create temp table entities as
select
    org_id,
    coalesce(parent_id, '') as legal_entity_id
from @org_units;

create temp table people as
select
    customer.customer_id,
    coalesce(entities.legal_entity_id, '') as legal_entity_id,
    customer.status = 'active' as is_active,
    customer.customer_type,
    customer.sex,
    customer.birth_date,
    customer.education,
    customer.marital_status,
    customer.company_size,
    customer.region,
    customer.founded_on,
    customer.customer_since,
    customer.risk_profile,
    customer.risk_profile_expires_on,
    customer.document_expires_on,
    customer.occupation,
    customer.industry
from @customers as customer
left join entities on entities.org_id = customer.home_branch_id;

create temp table limits as
select
    legal_entity_id,
    {parameters},
    -- Rates in millionths a year, losses in hundredths of a per cent of hundredths of a per cent.
    cast(contribution_ftp_demand_pct * 10000 as decimal(18,0)) as ftp_demand,
    cast(contribution_ftp_time_pct * 10000 as decimal(18,0)) as ftp_time,
    cast(contribution_ftp_certificate_pct * 10000 as decimal(18,0)) as ftp_certificate,
    cast(contribution_ftp_loan_pct * 10000 as decimal(18,0)) as ftp_loan,
    contribution_cost_account as cost_account,
    contribution_cost_counter as cost_counter,
    contribution_cost_self_service as cost_self_service,
    contribution_cost_digital as cost_digital,
    cast(contribution_pd_normal_pct * 100 as decimal(9,0))
        * cast(contribution_lgd_pct * 100 as decimal(9,0)) as loss_normal,
    cast(contribution_pd_special_mention_pct * 100 as decimal(9,0))
        * cast(contribution_lgd_pct * 100 as decimal(9,0)) as loss_special_mention,
    cast(contribution_pd_default_pct * 100 as decimal(9,0))
        * cast(contribution_lgd_pct * 100 as decimal(9,0)) as loss_default
from (select distinct legal_entity_id from people);

create temp table loans as
select * from @loans
where granted_on <= $bd;

create temp table cards as
select * from @credit_cards
where card_type = 'credit' and issued_on <= $bd;

create temp table holdings as
select * from @wealth_holdings
where bought_on <= $bd;

create temp table merchants as
select * from @merchants
where signed_on <= $bd;

-- Business other than deposits on the date and the days that it is compared with.
create temp table lent (
    at_day varchar,
    customer_id bigint,
    branch_id varchar,
    loan_bal decimal(18,2),
    loan_line decimal(18,2),
    loan_cnt integer,
    loan_arrears decimal(18,2),
    loan_overdue_bal decimal(18,2),
    loan_npl_bal decimal(18,2),
    card_cnt integer,
    card_limit decimal(18,2),
    card_bal decimal(18,2),
    wealth_bal decimal(18,2),
    fund_bal decimal(18,2),
    insurance_bal decimal(18,2),
    invested_cnt integer,
    invested decimal(18,2)
);

{lent}

create temp table opened as
select * from @deposit_accounts;

create temp table members as
select
    member.employer_id,
    member.customer_id,
    account.branch_id
from @payroll_members as member
join opened as account using (account_id)
where member.effective_from <= $bd and not coalesce(member.effective_until <= $bd, false);

-- Customers whose business was all at another branch on a reference day have a place there too.
create temp table places as
select
    cast(row_number() over (order by customer_id, branch_id) as integer) as place_id,
    customer_id,
    branch_id
from (
    select customer_id, branch_id from opened
    union select customer_id, branch_id from loans
    union select customer_id, branch_id from cards
    union select customer_id, branch_id from holdings
    union select customer_id, branch_id from merchants
    union select customer_id, branch_id from members
    union select employer_id, branch_id from members
    union select customer_id, branch_id from lent
);

create temp table accounts as
select
    account.account_id,
    places.place_id,
    account.product,
    account.rate,
    account.opened_on,
    account.matures_on,
    account.closed_on,
    account.opened_on <= $bd and not coalesce(account.closed_on <= $bd, false) as is_open,
    coalesce(balance.balance, 0) as balance,
    coalesce(before.balance, 0) as balance_last_year,
    balance.account_id is not null as is_known
from opened as account
join places using (customer_id, branch_id)
left join @balances as balance using (account_id)
left join @balances:last_year as before using (account_id);

drop table opened;
