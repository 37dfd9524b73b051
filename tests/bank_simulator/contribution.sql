, month AS (SELECT greatest($first, date_trunc('month', $day)::DATE) AS starts_on),
loan_span AS (
    SELECT *, business_date AS since,
        coalesce(lead(business_date) OVER (PARTITION BY loan_id ORDER BY business_date) - 1, DATE '9999-12-31') AS until
    FROM loans_delivered
), owed AS (
    SELECT loan_id, sum(balance * greatest(0, least(until, $day) - greatest(since, starts_on) + 1)) AS total
    FROM loan_span, month WHERE status = 'running' GROUP BY loan_id
), margin AS (
    -- Cents and millionths a year, in whole numbers; a year has 360 days.
    SELECT customer_id, CAST(sum(d.balance) * 100 AS HUGEINT) * CAST((CASE a.product WHEN 'demand' THEN {contribution.ftp_demand_pct}
        WHEN 'time' THEN {contribution.ftp_time_pct} ELSE {contribution.ftp_certificate_pct} END) * 10000 - a.rate * 1000000 AS HUGEINT) AS n
    FROM daily AS d JOIN account AS a USING (customer_id, account_id), month
    WHERE d.day >= starts_on GROUP BY customer_id, account_id, a.product, a.rate
    UNION ALL
    SELECT customer_id, CAST(total * 100 AS HUGEINT) * CAST(rate * 1000000 - {contribution.ftp_loan_pct} * 10000 AS HUGEINT)
    FROM owed JOIN loan USING (loan_id)
), part AS (
    SELECT customer_id, CAST(sign(n) * ((abs(n) + 180000000) // 360000000) AS DECIMAL(18, 0)) * 0.01 AS money FROM margin
    UNION ALL
    SELECT customer_id, CAST(-((CAST(total * 100 AS HUGEINT) * CAST(100 * {contribution.lgd_pct} AS HUGEINT)
        * CAST(100 * CASE five_tier WHEN 'normal' THEN {contribution.pd_normal_pct}
            WHEN 'special_mention' THEN {contribution.pd_special_mention_pct}
            ELSE {contribution.pd_default_pct} END AS HUGEINT) + 18000000000) // 36000000000) AS DECIMAL(18, 0)) * 0.01
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
