, month AS (SELECT greatest($first, date_trunc('month', $day)::DATE) AS starts_on),
loan_span AS (
    SELECT *, business_date AS since,
        coalesce(lead(business_date) OVER (PARTITION BY loan_id ORDER BY business_date) - 1, DATE '9999-12-31') AS until
    FROM loans_delivered
), owed AS (
    SELECT loan_id, sum(balance * greatest(0, least(until, $day) - greatest(since, starts_on) + 1)) AS total
    FROM loan_span, month WHERE status = 'running' GROUP BY loan_id
), part AS (
    SELECT customer_id, round(sum(d.balance) / 360 * ((CASE a.product WHEN 'demand' THEN {contribution.ftp_demand_pct}
        WHEN 'time' THEN {contribution.ftp_time_pct} ELSE {contribution.ftp_certificate_pct} END) / 100 - a.rate), 2) AS money
    FROM daily AS d JOIN account AS a USING (customer_id, account_id), month
    WHERE d.day >= starts_on GROUP BY customer_id, account_id, a.product, a.rate
    UNION ALL
    SELECT customer_id, round(total / 360 * (rate - {contribution.ftp_loan_pct} / 100), 2)
        - round(total / 360 * {contribution.lgd_pct} / 100 * (CASE five_tier WHEN 'normal' THEN {contribution.pd_normal_pct}
            WHEN 'special_mention' THEN {contribution.pd_special_mention_pct}
            ELSE {contribution.pd_default_pct} END) / 100, 2)
    FROM owed JOIN loan USING (loan_id)
    UNION ALL
    SELECT customer_id, sum(CASE WHEN txn_type <> 'fee' THEN 0 WHEN direction = 'debit' THEN amount ELSE -amount END)
        - sum(CASE WHEN channel = 'counter' THEN {contribution.cost_counter}
            WHEN channel IN ('atm', 'pos') THEN {contribution.cost_self_service}
            WHEN channel IN ('mobile', 'web', 'third_party') THEN {contribution.cost_digital} ELSE 0 END)
    FROM transactions_delivered, month WHERE business_date BETWEEN starts_on AND $day GROUP BY customer_id
    UNION ALL
    SELECT customer_id, -{contribution.cost_account} FROM is_open
), contribution AS (SELECT customer_id, sum(money) AS money FROM part GROUP BY customer_id)
SELECT customer_id, aum, coalesce(money, 0) FROM worth LEFT JOIN contribution USING (customer_id)
WHERE customer_id IN (SELECT customer_id FROM planted_tiers)
