-- How many in a thousand get into difficulties with a loan: rather who has little, and who seldom books.
CREATE OR REPLACE MACRO strain(typical, no) AS
    inclined(typical, -0.9, no) * CASE WHEN activity(no) < 25 THEN 6 WHEN activity(no) < 58 THEN 3 ELSE 1 END;

-- One row per loan of an ordinary customer. Its next instalment falls due `due_in` days after as_of,
-- and `remaining` instalments are left then, one a month; `unpaid` of the earlier ones were missed.
-- Of `strain` in a thousand such loans instalments are missed for good; of as many in eight thousand
-- instalments, one is paid some days late.
CREATE OR REPLACE TABLE ordinary_loan AS
WITH running AS (
    SELECT no, 1 AS seq, customer_type, main_branch, far, far_branch, rich, big,
        CASE WHEN draw('loan due', no, 100) < 18 THEN 1 + draw('loan soon', no, 5)
             ELSE 11 + draw('loan late', no, 17) END AS due_in,
        CASE WHEN big THEN 60 ELSE 12 * (1 + draw('years', no, 5)) END AS n
    FROM (SELECT *, customer_type = 'business' AND draw('big loan', no, 100) < 30 AS big FROM ordinary
          WHERE lead_rule = 'loan')
), strained AS (
    -- who was overdue before pays late more often
    SELECT *, CASE WHEN big THEN 0 ELSE
        least(strain(12, no) * CASE WHEN draw('was overdue', no, 100) < 10 THEN 4 ELSE 1 END, 400) END AS strain
    FROM running
), sized AS (
    SELECT *,
        -- never two left: the last one would fall due about 30 days ahead, on the threshold
        CASE WHEN big THEN 40 + draw('remaining', no, 6)
             WHEN draw('last', no, 100) < 6 THEN 1 ELSE 3 + draw('remaining', no, n - 3) END AS remaining,
        CASE WHEN draw('missed', no, 1000) < strain THEN 1 + draw('missed n', no, 8) ELSE 0 END AS missed
    FROM strained
), dated AS (
    SELECT *,
        CAST(getvariable('as_of') + CAST(due_in AS INTEGER) - to_months(CAST(n - remaining + 1 AS INTEGER)) AS DATE)
            AS granted_on
    FROM sized
)
SELECT no, seq, CASE WHEN far THEN far_branch ELSE main_branch END AS branch_id,
    CASE WHEN big THEN 'working_capital' ELSE pick(['mortgage', 'consumer', 'farm', 'small_business'], 'loan', no)
        END AS product,
    CASE WHEN big THEN 240000000 + draw('amount', no, 160) * 1000000
         WHEN granted_on >= getvariable('from') - 1 THEN 500000 + draw('amount', no, 56) * 100000
         WHEN customer_type = 'business' THEN 10000000 + draw('amount', no, 60) * 1000000
         ELSE 2000000 + draw('amount', no, 280) * 100000 END AS amount,
    big, due_in, n, remaining, least(missed, n - remaining) AS unpaid, strain, granted_on,
    CAST(getvariable('as_of') + CAST(due_in AS INTEGER) + to_months(CAST(remaining - 1 AS INTEGER)) AS DATE)
        AS matures_on,
    CAST(NULL AS DATE) AS settled_on, CAST(NULL AS DATE) AS written_off_on
FROM dated
UNION ALL
-- Settled in one sum: recently where that decides the coverage, else long enough ago.
SELECT no, 1, CASE WHEN far THEN far_branch ELSE main_branch END, 'consumer',
    500000 + draw('amount', no, 56) * 100000, false, NULL, 1, 0, 0, 0,
    CAST(settled_on - INTERVAL 12 MONTH AS DATE), settled_on, settled_on, NULL
FROM (SELECT *, getvariable('as_of') - CAST(CASE WHEN lead_rule = 'loan_settled' THEN 1 + draw('settled', no, getvariable('p_coverage_settled_loan_days') - 10)
          ELSE getvariable('p_coverage_settled_loan_days') + 10 + draw('settled', no, 300) END AS INTEGER) AS settled_on
      FROM ordinary
      WHERE lead_rule = 'loan_settled'
         OR lead_rule = 'deposit' AND kind = 'single' AND NOT newcomer AND draw('old loan', no, 1000) < 12)
UNION ALL
-- Missed for good, as above, and written off 200 days later; granted before the period.
SELECT no, 2, main_branch, pick(['farm', 'small_business', 'consumer'], 'lost product', no),
    2000000 + draw('lost', no, 280) * 100000, false, due_in, 60, remaining, 1, strain(12, no),
    CAST(due_on - to_months(CAST(60 - remaining + 1 AS INTEGER)) AS DATE),
    CAST(due_on + to_months(CAST(remaining - 1 AS INTEGER)) AS DATE), NULL, off_on
FROM (SELECT *, 3 + draw('lost remaining', no, 20) AS remaining,
          CAST(off_on - 200 + INTERVAL 1 MONTH AS DATE) AS due_on, due_on - getvariable('as_of') AS due_in
      FROM (SELECT *, getvariable('from') + 10 + CAST(draw('written off', no, getvariable('span') - 20) AS INTEGER) AS off_on
            FROM ordinary
            WHERE lead_rule = 'deposit' AND kind = 'single' AND NOT newcomer
                AND draw('lost loan', no, 1000) < least(strain(2, no), 50)));

-- One row per loan; for cases, how it stands is said, not derived (`told`).
CREATE OR REPLACE TABLE loan AS
SELECT o.no, o.seq, loan_id(o.no, o.seq) AS loan_id, customer_id(o.no) AS customer_id, o.branch_id,
    -- a large loan granted in the period is paid out to suppliers, not to the borrower's account
    m.manager_id, CASE WHEN NOT o.big OR o.granted_on < getvariable('from') THEN account_id(o.no, 1) END
        AS account_id, o.product, o.amount,
    CAST((350 + draw('loan rate', o.no, 300)) * CAST(0.0001 AS DECIMAL(4, 4)) AS DECIMAL(9, 6)) AS rate,
    350 + draw('loan rate', o.no, 300) AS rate_bp,
    pick(['mortgage', 'guarantee', 'credit', 'pledge'], 'collateral', o.no) AS collateral,
    o.granted_on, o.matures_on, o.settled_on, o.written_off_on, false AS told,
    CAST(NULL AS BIGINT) AS told_arrears, CAST(NULL AS INTEGER) AS told_days,
    CASE WHEN NOT o.big AND o.granted_on < getvariable('from') - 950 AND draw('was overdue', o.no, 100) < 10
         THEN getvariable('from') - 1 - CAST(draw('overdue on', o.no, 900) AS INTEGER) END AS told_last,
    CAST(NULL AS VARCHAR) AS told_tier, o.big, o.due_in, o.n, o.remaining, o.unpaid, o.strain
FROM ordinary_loan AS o
JOIN manager_count AS mc ON mc.branch_id = o.branch_id
JOIN manager AS m ON m.branch_id = o.branch_id AND m.token = 'm' || draw('loan manager', o.no, mc.managers)
UNION ALL
SELECT no, seq, loan_id(no, seq), customer_id(no), branch_id, manager_id, NULL, product, amount,
    CAST(0.0435 AS DECIMAL(9, 6)), 435, 'credit', granted_on, matures_on, settled_on,
    CASE WHEN status = 'written_off' THEN granted_on END, true,
    arrears, days_overdue, last_overdue_on, five_tier, false, NULL, NULL, NULL, NULL, NULL
FROM case_loan;

-- One row per instalment: equal principal, interest on what was left; `paid_on` as it ends. One that
-- is paid late is so before the next falls due, and before as_of, on which only those missed are open.
CREATE OR REPLACE TABLE instalment AS
WITH numbered AS (
    SELECT *, unnest(range(1, n + 1)) AS j FROM loan WHERE NOT told AND due_in IS NOT NULL
), dated AS (
    SELECT *,
        CAST(getvariable('as_of') + CAST(due_in AS INTEGER) + to_months(CAST(remaining - 1 - n + j AS INTEGER)) AS DATE)
            AS due_on,
        CAST(CASE WHEN draw('late', loan_id * 1000 + j, 8000) < strain
            THEN 2 + draw('days late', loan_id * 1000 + j, 24) ELSE 0 END AS INTEGER) AS days_late
    FROM numbered
)
SELECT loan_id, customer_id, account_id, branch_id, j AS instalment_no, due_on,
    CASE WHEN j < n THEN amount // n ELSE amount - (n - 1) * (amount // n) END AS principal,
    (amount - (j - 1) * (amount // n)) * rate_bp // 120000 AS interest,
    CASE WHEN due_on >= getvariable('from') AND due_on + days_late < getvariable('as_of')
            AND j <= n - remaining - unpaid THEN due_on + days_late
         WHEN due_on <= getvariable('to') AND j <= n - remaining - unpaid
           OR due_on = getvariable('to') AND unpaid = 0 THEN due_on END AS paid_on
FROM dated
UNION ALL
SELECT loan_id, customer_id, account_id, branch_id, 1, matures_on, amount, amount * rate_bp // 10000, settled_on
FROM loan WHERE NOT told AND due_in IS NULL
UNION ALL
SELECT loan_id(no, seq), customer_id(no), NULL, branch_id, instalment_no, due_on, principal, interest, paid_on
FROM case_instalment;

-- One row per loan and day of the period on which something about it changed.
CREATE OR REPLACE TABLE loan_version AS
WITH behind AS (
    -- From an instalment that is paid late until it is, and from the first that is missed for good.
    SELECT i.loan_id, i.due_on AS since, i.paid_on AS until, i.interest
    FROM instalment AS i JOIN loan AS l USING (loan_id) WHERE NOT l.told AND i.paid_on > i.due_on
    UNION ALL
    SELECT i.loan_id, min(i.due_on), NULL, NULL
    FROM instalment AS i JOIN loan AS l USING (loan_id) WHERE NOT l.told AND i.paid_on IS NULL
    GROUP BY i.loan_id HAVING min(i.due_on) <= getvariable('as_of')
), change AS (
    SELECT loan_id, greatest(granted_on, getvariable('from')) AS day FROM loan
    UNION SELECT i.loan_id, i.paid_on FROM instalment AS i WHERE i.paid_on > getvariable('from')
    UNION SELECT loan_id, settled_on FROM loan WHERE settled_on BETWEEN getvariable('from') + 1 AND getvariable('to')
    UNION SELECT loan_id, told_last FROM loan
        WHERE told AND told_last BETWEEN getvariable('from') + 1 AND getvariable('to')
    UNION SELECT loan_id, unnest(generate_series(
            greatest(since + 1, getvariable('from')),
            least(coalesce(until, written_off_on, getvariable('to')), getvariable('to')), INTERVAL 1 DAY))::DATE
        FROM behind JOIN loan USING (loan_id)
), paid AS (
    SELECT loan_id, paid_on, sum(sum(principal)) OVER (PARTITION BY loan_id ORDER BY paid_on) AS repaid
    FROM instalment WHERE paid_on IS NOT NULL GROUP BY loan_id, paid_on
), unpaid AS (
    SELECT loan_id, due_on, sum(sum(interest)) OVER (PARTITION BY loan_id ORDER BY due_on) AS arrears
    FROM instalment WHERE paid_on IS NULL GROUP BY loan_id, due_on
), upcoming AS (
    SELECT loan_id, due_on, sum(principal + interest) AS next_amount FROM instalment GROUP BY loan_id, due_on
), standing AS (
    SELECT s.*, c.day, s.amount - coalesce(p.repaid, 0) AS balance,
        CASE WHEN s.told THEN CASE WHEN s.told_last <= c.day THEN s.told_days ELSE 0 END
            WHEN c.day < coalesce(b.until, s.settled_on, DATE '9999-12-31') THEN coalesce(c.day - b.since, 0)
            ELSE 0 END AS days_overdue,
        CASE WHEN s.settled_on <= c.day THEN 'settled' WHEN s.written_off_on <= c.day THEN 'written_off'
             ELSE 'running' END AS status,
        CASE WHEN s.told THEN CASE WHEN s.told_last <= c.day THEN s.told_arrears END WHEN b.until IS NULL AND b.since IS NOT NULL THEN u.arrears
            WHEN c.day < b.until THEN b.interest END AS arrears_cents,
        CASE WHEN b.until <= c.day THEN b.until - 1 END AS caught_up_after,
        lead(c.day) OVER (PARTITION BY c.loan_id ORDER BY c.day) AS valid_until
    FROM change AS c
    JOIN loan AS s USING (loan_id)
    ASOF LEFT JOIN behind AS b ON b.loan_id = c.loan_id AND b.since < c.day
    ASOF LEFT JOIN paid AS p ON p.loan_id = c.loan_id AND p.paid_on <= c.day
    ASOF LEFT JOIN unpaid AS u ON u.loan_id = c.loan_id AND u.due_on < c.day
)
SELECT s.loan_id, s.customer_id, s.branch_id, s.manager_id, s.account_id, s.product, 'CNY' AS currency,
    money(s.amount) AS credit_line, money(s.amount) AS amount, money(s.balance) AS balance, s.rate, s.collateral,
    s.granted_on, s.matures_on, CASE WHEN s.status = 'settled' THEN s.settled_on END AS settled_on,
    CASE WHEN s.status = 'running' THEN n.due_on END AS next_due_on,
    CASE WHEN s.status = 'running' THEN money(n.next_amount) END AS next_due_amount,
    coalesce(s.told_tier, CASE WHEN s.status = 'written_off' OR s.days_overdue > 360 THEN 'loss'
        WHEN s.days_overdue > 180 THEN 'doubtful' WHEN s.days_overdue > 90 THEN 'substandard'
        WHEN s.days_overdue > 0 THEN 'special_mention' ELSE 'normal' END) AS five_tier,
    money(coalesce(s.arrears_cents, 0)) AS interest_arrears, CAST(s.days_overdue AS INTEGER) AS days_overdue,
    CASE WHEN NOT s.told AND s.days_overdue > 0 THEN s.day WHEN s.caught_up_after IS NOT NULL THEN s.caught_up_after
        WHEN s.told_last <= s.day THEN s.told_last END AS last_overdue_on, s.status,
    s.day AS valid_from, coalesce(s.valid_until, DATE '9999-12-31') AS valid_until, s.told
FROM standing AS s
ASOF LEFT JOIN upcoming AS n ON n.loan_id = s.loan_id AND n.due_on > s.day;

-- One row per thing that happened to a loan in the period.
CREATE OR REPLACE TABLE loan_event AS
WITH steps AS (
    SELECT *, lag(days_overdue) OVER w AS days_before, lag(five_tier) OVER w AS tier_before
    FROM loan_version WINDOW w AS (PARTITION BY loan_id ORDER BY valid_from)
), happened AS (
    SELECT granted_on AS day, loan_id, customer_id, branch_id, 'granted' AS change, money(amount) AS amount,
        0 AS days_overdue, NULL AS tier_before, 'normal' AS tier_after
    FROM loan WHERE granted_on >= getvariable('from')
    UNION ALL
    SELECT i.paid_on, i.loan_id, i.customer_id, i.branch_id, 'repaid', money(i.principal + i.interest), 0, NULL, NULL
    FROM instalment AS i WHERE i.paid_on >= getvariable('from')
    UNION ALL
    SELECT valid_from, loan_id, customer_id, branch_id, 'overdue', NULL, days_overdue, NULL, NULL
    FROM steps WHERE NOT told AND days_overdue = 1 AND status = 'running'
    UNION ALL
    SELECT i.due_on + 1, i.loan_id, i.customer_id, i.branch_id, 'arrears', money(i.interest), 1, NULL, NULL
    FROM instalment AS i JOIN loan AS l USING (loan_id)
    WHERE (i.paid_on IS NULL OR i.paid_on > i.due_on) AND NOT l.told AND i.due_on + 1 < coalesce(l.written_off_on, DATE '9999-12-31')
      AND i.due_on < getvariable('as_of') AND i.due_on + 1 >= getvariable('from')
    UNION ALL
    SELECT valid_from, loan_id, customer_id, branch_id, 'class_changed', NULL, days_overdue, tier_before, five_tier
    FROM steps WHERE tier_before <> five_tier AND status <> 'settled'
    UNION ALL
    SELECT settled_on, loan_id, customer_id, branch_id, 'settled', NULL, 0, NULL, NULL
    FROM loan WHERE settled_on BETWEEN getvariable('from') AND getvariable('to')
    UNION ALL
    SELECT valid_from, loan_id, customer_id, branch_id, 'written_off', balance, 200, NULL, NULL
    FROM steps WHERE NOT told AND status = 'written_off' AND valid_from >= getvariable('from')
), timed AS (
    SELECT day, instant(day, 32400 + draw('loan event', loan_id, 28800)) AS occurred_at, * EXCLUDE (day) FROM happened
    UNION ALL
    SELECT s.day, instant(s.day, s.seconds), l.loan_id, l.customer_id, l.branch_id, s.change, money(s.cents),
        s.days_overdue, s.tier_before, s.tier_after
    FROM case_loan_step AS s JOIN loan AS l ON l.loan_id = loan_id(s.no, 1)
)
SELECT day, row_number() OVER (ORDER BY day, loan_id, change, occurred_at) AS event_no, loan_id, customer_id,
    branch_id, occurred_at, change, amount,
    CAST(days_overdue AS INTEGER) AS days_overdue, tier_before AS five_tier_before, tier_after AS five_tier_after
FROM timed WHERE day <= getvariable('to');
