-- One row per booking that something else decides: salaries, pensions, turnover, loans, cards,
-- time deposits, wealth. `seconds` after the bank's midnight; entries of one journal balance.
CREATE OR REPLACE TABLE planned AS
WITH month AS (
    SELECT unnest(range(getvariable('months'))) AS m,
        CAST(date_trunc('month', getvariable('from')) + to_months(CAST(m AS INTEGER)) AS DATE) AS first_day
), payday AS (
    SELECT e.no AS employer, m, first_day,
        day - CASE isodow(day) WHEN 6 THEN 1 WHEN 7 THEN 2 ELSE 0 END AS day
    FROM (SELECT *, first_day + CAST(pay_day - 1 AS INTEGER) AS day FROM employer AS e, month) AS e
), pay AS (
    SELECT p.day, p.m, p.employer, s.no, s.cents FROM payday AS p JOIN salary AS s USING (employer)
), entry AS (
    SELECT day, 36000 AS seconds, account_id(no, 1) AS account_id, 'credit' AS direction, cents,
        'payroll' AS txn_type, 'system' AS channel, NULL AS bank, 700000000000000 + employer * 1000 + m AS journal_id
    FROM pay
    UNION ALL
    SELECT day, 36000, account_id(employer, 1), 'debit', sum(cents)::BIGINT, 'payroll', 'system', NULL,
        700000000000000 + employer * 1000 + m
    FROM pay GROUP BY ALL
    UNION ALL
    SELECT day, 300, account_id(employer, 1), 'credit', sum(cents)::BIGINT * 103 // 100, 'transfer_in', 'web',
        pick(getvariable('banks'), 'funding', employer), NULL
    FROM pay GROUP BY day, employer, m
    UNION ALL
    SELECT first_day + 14, 30000, account_id(no, 1), 'credit', 20000 + draw('pension', no, 2800) * 100,
        'pension', 'system', NULL, NULL
    FROM (SELECT o.no FROM ordinary AS o JOIN customer AS c USING (no)
          WHERE o.kind IN ('single', 'two') AND NOT o.newcomer AND o.customer_type = 'individual'
            AND c.birth_date < getvariable('from') - 21915 AND draw('pensioner', no, 100) < 60), month
    UNION ALL
    SELECT first_day + CAST(i * 3 + draw('batch', t.no * 100 + i, 3) AS INTEGER), 79200, account_id, 'credit',
        1 + draw('batch sum', (t.no * 100 + i) * 100 + m, greatest(target // 60, 1)), 'acquiring', 'system', NULL, NULL
    -- unnest() beside the join, not of its rows: DuckDB 2.0.0 fails on that for some orders of rows.
    FROM merchant AS t JOIN account AS a USING (account_id), (SELECT unnest(range(9)) AS i), month
    UNION ALL
    SELECT granted_on, 40000, account_id, 'credit', amount, 'loan_drawdown', 'counter', NULL, NULL
    FROM loan WHERE account_id IS NOT NULL AND granted_on >= getvariable('from')
    UNION ALL
    SELECT paid_on, 28800, account_id, 'debit', sum(principal + interest)::BIGINT, 'loan_repayment', 'system', NULL, NULL
    FROM instalment WHERE account_id IS NOT NULL AND paid_on >= getvariable('from')
    GROUP BY paid_on, account_id, loan_id
    UNION ALL
    SELECT paid_on, 36000, account_id, 'debit', cents, 'card_repayment', 'mobile', NULL, NULL
    FROM statement WHERE account_id IS NOT NULL AND paid_on >= getvariable('from')
    UNION ALL
    SELECT customer_since, 34000, account_id(c.no, 1), 'credit', a.target, 'cash_in', 'counter', NULL, NULL
    FROM customer AS c JOIN account AS a ON a.account_id = account_id(c.no, 1) WHERE c.newcomer
    UNION ALL
    SELECT opened_on, 35000, account_id, 'credit', target, 'deposit_open', 'counter', NULL, 800000000000000 + account_id
    FROM account WHERE role = 'time' AND opened_on >= getvariable('from')
    UNION ALL
    SELECT opened_on, 35000, account_id(no, 1), 'debit', target, 'deposit_open', 'counter', NULL,
        800000000000000 + account_id
    FROM account WHERE role = 'time' AND opened_on >= getvariable('from')
    UNION ALL
    SELECT closed_on, 33000, account_id, 'debit', opening, 'deposit_close', 'counter', NULL, 800000000000000 + account_id
    FROM account WHERE role IN ('time', 'closing') AND closed_on IS NOT NULL
    UNION ALL
    SELECT closed_on, 33000, account_id(no, 1), 'credit', opening, 'deposit_close', 'counter', NULL,
        800000000000000 + account_id
    FROM account WHERE role IN ('time', 'closing') AND closed_on IS NOT NULL
    UNION ALL
    SELECT closed_on, 33000, account_id(no, 1), 'credit', opening * 135 * term_months // 120000, 'interest', 'system',
        NULL, NULL
    FROM account WHERE role = 'time' AND closed_on IS NOT NULL
    UNION ALL
    SELECT bought_on, 37000, account_id(no, 1), 'debit', cents, 'wealth_buy', 'mobile', NULL, NULL
    FROM holding WHERE fate = 'bought'
    UNION ALL
    SELECT ended_on, 37000, account_id(no, 1), 'credit', cents, 'wealth_redeem', 'system', NULL, NULL
    FROM holding WHERE fate = 'past'
    UNION ALL
    SELECT first_day + CAST(5 + draw('second day', no, 20) AS INTEGER), 45000, account_id, 'debit',
        greatest(target // 50, 1), 'purchase', 'pos', NULL, NULL
    FROM account, month WHERE role = 'second'
), kept AS (
    SELECT * FROM entry WHERE day BETWEEN getvariable('from') AND getvariable('to') AND cents > 0
)
SELECT (1::BIGINT << 39) + row_number() OVER (ORDER BY day, account_id, seconds, txn_type, direction, cents, journal_id)
    AS txn_id, *
FROM kept
ORDER BY day, txn_id;
