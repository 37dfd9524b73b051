-- What the rules speak of, on $day; the queries of the tests follow.
WITH active AS (SELECT * FROM @customers WHERE status = 'active'),
account AS (SELECT * FROM @deposit_accounts WHERE opened_on <= $day),
is_open AS (SELECT * FROM account WHERE coalesce(closed_on > $day, true)),
balance_span AS (
    SELECT account_id, balance, business_date AS since,
        coalesce(lead(business_date) OVER (PARTITION BY account_id ORDER BY business_date) - 1, DATE '9999-12-31') AS until
    FROM balances_delivered
),
-- One row per account and day of the period up to $day.
daily AS (
    SELECT a.customer_id, a.account_id, a.product, d.day, s.balance
    FROM account AS a
    CROSS JOIN (SELECT CAST(unnest(generate_series($first, $day, INTERVAL 1 DAY)) AS DATE) AS day) AS d
    JOIN balance_span AS s ON s.account_id = a.account_id AND d.day BETWEEN s.since AND s.until
    WHERE d.day >= a.opened_on
),
deposits AS (
    SELECT customer_id, sum(balance) AS money FROM daily WHERE day = $day GROUP BY customer_id
),
held AS (
    SELECT * FROM @wealth_holdings WHERE bought_on <= $day AND coalesce(ended_on > $day, true)
),
worth AS (
    SELECT c.customer_id, coalesce(d.money, 0) + coalesce(h.money, 0) AS aum
    FROM active AS c LEFT JOIN deposits AS d USING (customer_id)
    LEFT JOIN (SELECT customer_id, sum(amount) AS money FROM held GROUP BY customer_id) AS h USING (customer_id)
),
booking AS (
    SELECT *, CAST(booked_at + INTERVAL 8 HOUR AS DATE) AS day
    FROM transactions_delivered
    WHERE business_date <= $day AND reverses_txn_id IS NULL AND txn_id NOT IN (
        SELECT reverses_txn_id FROM transactions_delivered
        WHERE reverses_txn_id IS NOT NULL AND business_date <= $day)
),
own_booking AS (
    SELECT * FROM booking WHERE channel <> 'system' AND txn_type IN ('cash_in', 'cash_out', 'card_withdrawal',
        'transfer_out', 'purchase', 'household_payment', 'insurance', 'deposit_open', 'deposit_close', 'wealth_buy',
        'wealth_redeem', 'loan_repayment', 'card_repayment')
),
loan AS (SELECT * FROM @loans),
running AS (SELECT * FROM loan WHERE status = 'running'),
card AS (
    SELECT * FROM @credit_cards
    WHERE card_type = 'credit' AND issued_on <= $day AND coalesce(closed_on > $day, true)
),
merchant AS (SELECT * FROM @merchants WHERE signed_on <= $day AND coalesce(ended_on > $day, true)),
mobile AS (
    SELECT * FROM @digital_channels
    WHERE channel = 'mobile' AND signed_on <= $day AND coalesce(ended_on > $day, true)
),
-- One row per complete month and customer, 1 the last one, with balance times days.
month_average AS (
    SELECT customer_id, dense_rank() OVER (ORDER BY month DESC) AS back, days, total
    FROM (SELECT customer_id, date_trunc('month', day) AS month, sum(balance) AS total,
              day(last_day(min(day))) AS days
          FROM daily WHERE date_trunc('month', day) >= $first AND last_day(day) <= $day GROUP BY ALL)
),
average_days AS (
    SELECT customer_id, sum(balance) AS total
    FROM daily JOIN is_open USING (customer_id, account_id)
    WHERE day > $day - {coverage.averaging_days} GROUP BY customer_id
),
credit AS (
    SELECT customer_id, sum(balance) FILTER (status = 'running') AS owed,
        bool_and(coalesce(interest_arrears, 0) = 0 AND coalesce(days_overdue, 0) = 0 AND
            coalesce(last_overdue_on <= $day - INTERVAL {key_customer.clean_years} YEAR, true)) AS clean
    FROM loan GROUP BY customer_id
),
key_customer AS (
    SELECT customer_id, CASE WHEN a.total >= {key_customer.min_deposit_average} * {coverage.averaging_days}
            THEN 'deposit' ELSE 'loan' END AS basis
    FROM active LEFT JOIN average_days AS a USING (customer_id) LEFT JOIN credit AS l USING (customer_id)
    WHERE a.total >= {key_customer.min_deposit_average} * {coverage.averaging_days}
        OR l.owed >= {key_customer.min_loan_balance} AND l.clean
),
contact AS (
    SELECT *, CAST(contacted_at + INTERVAL 8 HOUR AS DATE) AS day FROM contacts_delivered WHERE business_date <= $day
)
