/*---
description: What a branch knows of its own business with a customer, in one wide row.
kind: mart
partition: as_of
key: [branch_id, customer_id]
audits:
  - equal_sums:
      with: mart_customers
      by: [customer_id]
      columns:
        - dep_bal
        - dep_chg_d
        - dep_chg_m
        - dep_chg_y
        - dep_demand_bal
        - dep_time_bal
        - dep_cert_bal
        - dep_acct_cnt
        - dep_maturing_30d
        - loan_bal
        - loan_line
        - loan_cnt
        - loan_arrears
        - flow_in_amt_7d
        - flow_in_amt_30d
        - flow_in_amt_90d
        - flow_in_cnt_7d
        - flow_in_cnt_30d
        - flow_in_cnt_90d
        - flow_out_amt_7d
        - flow_out_amt_30d
        - flow_out_amt_90d
        - flow_out_cnt_7d
        - flow_out_cnt_30d
        - flow_out_cnt_90d
        - flow_other_amt_7d
        - flow_other_amt_30d
        - flow_other_amt_90d
        - flow_other_cnt_7d
        - flow_other_cnt_30d
        - flow_other_cnt_90d
---*/
-- One row per branch and active customer that it covers or has had business with.
with places as (
    select branch_id, customer_id from int_coverage
    union
    select branch_id, customer_id from ind_deposits_branch
    union
    select branch_id, customer_id from ind_loans_branch
    union
    select branch_id, customer_id from ind_flow_branch
)

select
    places.branch_id,
    places.customer_id,
    coalesce(deposit.dep_bal, 0.00) as dep_bal,
    coalesce(deposit.dep_avg_30d, 0.00) as dep_avg_30d,
    coalesce(deposit.dep_avg_m, 0.00) as dep_avg_m,
    coalesce(deposit.dep_avg_y, 0.00) as dep_avg_y,
    coalesce(deposit.dep_chg_d, 0.00) as dep_chg_d,
    coalesce(deposit.dep_chg_m, 0.00) as dep_chg_m,
    coalesce(deposit.dep_chg_y, 0.00) as dep_chg_y,
    coalesce(deposit.dep_demand_bal, 0.00) as dep_demand_bal,
    coalesce(deposit.dep_time_bal, 0.00) as dep_time_bal,
    coalesce(deposit.dep_cert_bal, 0.00) as dep_cert_bal,
    coalesce(deposit.dep_acct_cnt, 0) as dep_acct_cnt,
    coalesce(deposit.dep_maturing_30d, 0.00) as dep_maturing_30d,
    coalesce(loan.loan_bal, 0.00) as loan_bal,
    coalesce(loan.loan_line, 0.00) as loan_line,
    loan.loan_util,
    coalesce(loan.loan_cnt, 0) as loan_cnt,
    loan.loan_next_due_on,
    coalesce(loan.loan_arrears, 0.00) as loan_arrears,
    coalesce(loan.loan_overdue_days, 0) as loan_overdue_days,
    loan.loan_five_tier,
    loan.loan_clean_since,
    coalesce(flow.flow_in_amt_7d, 0.00) as flow_in_amt_7d,
    coalesce(flow.flow_in_amt_30d, 0.00) as flow_in_amt_30d,
    coalesce(flow.flow_in_amt_90d, 0.00) as flow_in_amt_90d,
    coalesce(flow.flow_in_cnt_7d, 0) as flow_in_cnt_7d,
    coalesce(flow.flow_in_cnt_30d, 0) as flow_in_cnt_30d,
    coalesce(flow.flow_in_cnt_90d, 0) as flow_in_cnt_90d,
    coalesce(flow.flow_in_max_7d, 0.00) as flow_in_max_7d,
    coalesce(flow.flow_in_max_30d, 0.00) as flow_in_max_30d,
    coalesce(flow.flow_in_max_90d, 0.00) as flow_in_max_90d,
    coalesce(flow.flow_out_amt_7d, 0.00) as flow_out_amt_7d,
    coalesce(flow.flow_out_amt_30d, 0.00) as flow_out_amt_30d,
    coalesce(flow.flow_out_amt_90d, 0.00) as flow_out_amt_90d,
    coalesce(flow.flow_out_cnt_7d, 0) as flow_out_cnt_7d,
    coalesce(flow.flow_out_cnt_30d, 0) as flow_out_cnt_30d,
    coalesce(flow.flow_out_cnt_90d, 0) as flow_out_cnt_90d,
    coalesce(flow.flow_out_max_7d, 0.00) as flow_out_max_7d,
    coalesce(flow.flow_out_max_30d, 0.00) as flow_out_max_30d,
    coalesce(flow.flow_out_max_90d, 0.00) as flow_out_max_90d,
    coalesce(flow.flow_other_amt_7d, 0.00) as flow_other_amt_7d,
    coalesce(flow.flow_other_amt_30d, 0.00) as flow_other_amt_30d,
    coalesce(flow.flow_other_amt_90d, 0.00) as flow_other_amt_90d,
    coalesce(flow.flow_other_cnt_7d, 0) as flow_other_cnt_7d,
    coalesce(flow.flow_other_cnt_30d, 0) as flow_other_cnt_30d,
    coalesce(flow.flow_other_cnt_90d, 0) as flow_other_cnt_90d,
    coalesce(flow.flow_other_parties_7d, 0) as flow_other_parties_7d,
    coalesce(flow.flow_other_parties_30d, 0) as flow_other_parties_30d,
    coalesce(flow.flow_other_parties_90d, 0) as flow_other_parties_90d,
    coalesce(flow.flow_active_days_7d, 0) as flow_active_days_7d,
    coalesce(flow.flow_active_days_30d, 0) as flow_active_days_30d,
    coalesce(flow.flow_active_days_90d, 0) as flow_active_days_90d,
    flow.flow_last_on
from places
inner join mart_customers as customer on customer.customer_id = places.customer_id
left join ind_deposits_branch as deposit
    on deposit.customer_id = places.customer_id and deposit.branch_id = places.branch_id
left join ind_loans_branch as loan
    on loan.customer_id = places.customer_id and loan.branch_id = places.branch_id
left join ind_flow_branch as flow
    on flow.customer_id = places.customer_id and flow.branch_id = places.branch_id
