/*---
description: Everything that is known of a customer in the whole union, in one wide row.
kind: mart
partition: as_of
key: [customer_id]
audits:
  - {not_null: [lead_branch_id]}
  - equal_sums: {with: int_customers, by: [customer_id], columns: [1]}
---*/
-- One row per active customer. Money and counts of somebody without that business are 0.
with coverage as (
    select customer_id, count(distinct branch_id) as covering_branches
    from int_coverage
    group by customer_id
),

cards as (
    select customer_id, count(*) as credit_cards
    from stg_credit_cards
    where
        card_type = 'credit'
        and issued_on <= $bd
        and not coalesce(closed_on <= $bd, false)
    group by customer_id
),

wealth as (
    select customer_id, count(*) as wealth_holdings
    from stg_wealth_holdings
    where bought_on <= $bd and not coalesce(ended_on <= $bd, false)
    group by customer_id
)

select
    customer.customer_id,
    customer.legal_entity_id,
    decision.lead_branch_id,
    coverage.covering_branches,
    coalesce(cards.credit_cards, 0) as credit_cards,
    coalesce(wealth.wealth_holdings, 0) as wealth_holdings,
    key_customer.customer_id is not null as is_key_customer,
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
from int_customers as customer
inner join int_lead_decisions as decision on decision.customer_id = customer.customer_id
left join coverage on coverage.customer_id = customer.customer_id
left join cards on cards.customer_id = customer.customer_id
left join wealth on wealth.customer_id = customer.customer_id
left join int_key_customers as key_customer on key_customer.customer_id = customer.customer_id
left join ind_deposits as deposit on deposit.customer_id = customer.customer_id
left join ind_loans as loan on loan.customer_id = customer.customer_id
left join ind_flow as flow on flow.customer_id = customer.customer_id
