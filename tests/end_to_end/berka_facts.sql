-- The rules of docs/rules.md on the Berka files as they lie there: nothing here knows the importer,
-- a landing table or a model. `$folder` is where the files are.
create macro file(name) as table
select * from read_csv(
    $folder || '/' || name || '.asc', delim = ';', header = true, quote = '"', all_varchar = true
);

create macro day_of(text) as cast(strptime('19' || text, '%Y%m%d') as date);

-- One row per region; they are numbered in the order of their lowest district.
create table region as
select A3 as name, 'BERKA-R' || row_number() over (order by min(cast(A1 as integer))) as org_id
from file('district')
group by A3;

-- One row per account: whose it is, where it is kept, and in which region.
create table account as
select
    cast(account.account_id as bigint) as account_id,
    cast(disp.client_id as bigint) as customer_id,
    printf('BERKA-D%03d', cast(account.district_id as integer)) as branch,
    region.org_id as region,
    day_of(account.date) as opened_on
from file('account') as account
inner join file('disp') as disp on disp.account_id = account.account_id and disp.type = 'OWNER'
inner join file('district') as district on district.A1 = account.district_id
inner join region on region.name = district.A3;

-- One row per client. One who only uses somebody's account is at home where that account is.
create table client as
select
    cast(client.client_id as bigint) as customer_id,
    account.region,
    min(account.opened_on) as since,
    -- Women have 50 added to their month.
    make_date(
        1900 + cast(birth_number[1:2] as integer),
        cast(birth_number[3:4] as integer) % 50,
        cast(birth_number[5:6] as integer)
    ) as born_on
from file('client') as client
inner join file('disp') as disp on disp.client_id = client.client_id
inner join account on account.account_id = cast(disp.account_id as bigint)
group by all;

-- One row per booking. Who initiated it: not the bank (interest, sanction, fee), not who paid a
-- pension or another transfer in.
create table booking as
select
    account.*,
    day_of(trans.date) as day,
    cast(trans.amount as decimal(18,2)) * if(trans.type = 'PRIJEM', 1, -1) as signed,
    case trim(coalesce(trans.k_symbol, ''))
        when '' then trans.operation in ('VKLAD', 'VYBER', 'VYBER KARTOU', 'PREVOD NA UCET')
        else trans.k_symbol in ('SIPO', 'POJISTNE', 'UVER')
    end as is_initiated
from file('trans_prefix') as trans
inner join account on account.account_id = cast(trans.account_id as bigint);

-- One row per loan. What is still owed the source does not say.
create table loan as
select
    cast(loan.loan_id as bigint) as loan_id,
    account.customer_id,
    account.branch,
    account.region,
    cast(loan.amount as decimal(18,2)) as amount,
    day_of(loan.date) as granted_on,
    cast(day_of(loan.date) + to_months(cast(loan.duration as integer)) as date) as matures_on,
    loan.status in ('C', 'D') as is_running,
    if(loan.status in ('B', 'D'), 'substandard', 'normal') as five_tier
from file('loan') as loan
inner join account on account.account_id = cast(loan.account_id as bigint);

-- One row per branch, region and the bank: what lay there at the end of a day.
create macro deposits_on(bd) as table
select
    case grouping(branch, region) when 1 then 'branch' when 2 then 'legal_entity' else 'union' end
        as grain,
    coalesce(branch, region, '') as place,
    coalesce(sum(signed) filter (where day <= bd), 0) as deposits,
    count(distinct account_id) as accounts
from account
left join booking using (account_id, branch, region)
where account.opened_on <= bd
group by grouping sets ((branch), (region), ());

-- One row per key customer, while the ledger goes on. A booking lies on the account on those of the
-- 30 days that are not before it. Prague is region 1.
create macro key_on(bd) as table
with averages as (
    select customer_id, region, sum(signed * least(30, bd - day + 1)) / 30 as average
    from booking
    where day <= bd
    group by customer_id, region
)

select customer_id
from averages
where
    average >= if(region = 'BERKA-R1' and bd >= date '1993-07-01', 50000, 60000)
    and bd <= (select max(day) from booking);

-- One row per account holder who has not done anything himself for exactly 90 days, has held the
-- account longer, has little on it and no loan.
create macro dormant_on(bd) as table
with holder as (
    select
        customer_id,
        opened_on,
        sum(signed) as deposits,
        max(day) filter (where is_initiated) as last_on
    from booking
    where day <= bd
    group by customer_id, opened_on
)

select customer_id, last_on
from holder
where
    last_on = bd - 90
    and opened_on <= bd - 90
    and deposits < 10000
    and customer_id not in (select customer_id from loan where is_running and granted_on <= bd);

-- One row per reminder of a night: loans, birthdays, who became key or dormant, and key customers
-- whom nobody visited, as the source knows no visit.
create macro reminders_on(bd) as table
with birthday as (
    select
        customer_id,
        min(cast(born_on + to_years(cast(year(bd) - year(born_on) + later as integer)) as date))
            as due_on
    from client
    cross join (values (0), (1)) as years (later)
    where since <= bd and born_on + to_years(cast(year(bd) - year(born_on) + later as integer)) > bd
    group by customer_id
)

select
    'R02.LOAN_MATURES' as rule, customer_id, 'loan:' || loan_id as subject,
    'due:' || matures_on as reminder_window, matures_on as due_on,
    cast(null as decimal(18,2)) as amount, branch
from loan
where is_running and granted_on <= bd and matures_on > bd and matures_on <= bd + 30
union all
select
    'R04.BIRTHDAY', customer_id, 'customer:' || customer_id, 'due:' || due_on, due_on, null, null
from birthday
where due_on <= bd + 3
union all
select
    'R04.BECAME_KEY', customer_id, 'customer:' || customer_id, 'on:' || bd, bd + 1, null, null
from key_on(bd)
where customer_id not in (from key_on(bd - 1))
union all
select
    'R04.DORMANT', customer_id, 'customer:' || customer_id, 'since:' || last_on, bd + 1, null, null
from dormant_on(bd)
union all
select
    'R05.NOT_MAINTAINED', customer_id, 'customer:' || customer_id,
    'month:' || strftime(bd, '%Y-%m'), last_day(bd) + 1, null, branch
from key_on(bd) inner join account using (customer_id);
