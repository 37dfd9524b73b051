-- The ledger of one month (variables m_index, m_first, m_last, wheel of days) from the balances
-- with which it begins. Ordinary debits share a budget that the account certainly holds.

-- One row per account: the balance on the eve of the month, with its planned debits provided for.
CREATE OR REPLACE TEMP TABLE budget AS
WITH due AS (
    SELECT account_id, sum(cents)::BIGINT AS cents FROM planned
    WHERE day BETWEEN getvariable('m_first') AND getvariable('m_last') AND direction = 'debit'
    GROUP BY account_id
), mains AS (
    SELECT a.*, s.balance, coalesce(d.cents, 0) AS due
    FROM account AS a JOIN standing AS s USING (account_id) LEFT JOIN due AS d USING (account_id)
    WHERE a.role = 'main' AND a.opened_on < getvariable('m_first')
), provided AS (
    SELECT *,
        CASE WHEN NOT rich AND balance - floor_cents - due > cap
             THEN least(balance - floor_cents - due - cap * 8 // 10, 28000000) ELSE 0 END AS swept,
        CASE WHEN balance - floor_cents < due
             THEN (due - balance + floor_cents + 9999) // 10000 * 10000 ELSE 0 END AS funded
    FROM mains
)
SELECT *, place AS i,
    greatest(least(turnover * balance // greatest(target, 1), (balance - floor_cents - due - swept) * 9 // 10), 0)
        AS debit_budget,
    greatest(least(turnover, (cap - balance) * 9 // 10), 0) AS credit_budget,
    greatest(bookings * getvariable('m_season') // 100, 1) AS n,
    1 + draw('first transfer', account_id, 6) AS first_transfer
FROM provided;

-- One row per ordinary booking, without its day.
CREATE OR REPLACE TEMP TABLE chosen AS
WITH places AS (
    SELECT account_id, i, n, debit_budget, credit_budget, first_transfer, unnest(range(n)) AS k FROM budget
), drawn AS (
    SELECT *, chance(getvariable('m_index') * 128 + k, account_id) AS h FROM places
)
SELECT account_id, i, k, h,
    CASE WHEN n = 1 THEN CASE WHEN h & 1 = 0 THEN 'credit' ELSE 'debit' END
         WHEN k % 4 = 3 THEN 'credit'
         WHEN n >= 4 AND k = 0 AND i IS NOT NULL THEN 'internal'
         WHEN n >= 8 AND k IN (1, 2) THEN 'interbank' ELSE 'debit' END AS what,
    CAST((h >> 8) % 100 AS INTEGER) AS kind,
    CAST(1 + (h >> 16) % 1000 AS BIGINT) AS share,
    CAST((h >> 28) % getvariable('m_wheel_size') AS INTEGER) AS spoke,
    CAST((h >> 44) % 50000 AS INTEGER) + 28800 AS seconds,
    first_transfer, n, debit_budget, credit_budget
FROM drawn;

-- One row per ordinary booking of the month.
CREATE OR REPLACE TEMP TABLE ordinary_booking AS
WITH sized AS (
    SELECT *,
        CASE WHEN what = 'credit' THEN credit_budget // greatest(n // 4, 1) * share // 1000 * share // 1000
             WHEN what = 'internal' THEN least(debit_budget // n * share // 1000, 200000)
             ELSE debit_budget // n * share // 1000 * share // 1000 END AS cents,
        CASE WHEN what = 'interbank' THEN getvariable('m_start') + CAST(first_transfer - 1 + 9 * k AS INTEGER)
             ELSE getvariable('m_wheel')[1 + spoke] END AS day
    FROM chosen
), kept AS (
    SELECT * FROM sized WHERE cents > 0 AND day BETWEEN getvariable('m_first') AND getvariable('m_last')
)
SELECT day, seconds, account_id,
    CASE what WHEN 'credit' THEN 'credit' ELSE 'debit' END AS direction, cents,
    CASE what WHEN 'internal' THEN 'transfer_out' WHEN 'interbank' THEN 'transfer_out'
        WHEN 'credit' THEN CASE WHEN kind < 62 THEN 'transfer_in' WHEN kind < 92 THEN 'cash_in' ELSE 'other' END
        ELSE CASE WHEN kind < 52 THEN 'purchase' WHEN kind < 66 THEN 'cash_out' WHEN kind < 76 THEN 'household_payment'
            WHEN kind < 80 THEN 'insurance' WHEN kind < 90 THEN 'card_withdrawal' WHEN kind < 93 THEN 'fee'
            ELSE 'other' END END AS txn_type,
    CASE WHEN what = 'interbank' OR what = 'credit' AND kind < 62
         THEN getvariable('banks')[1 + CAST((h >> 52) % 4 AS BIGINT)] END AS bank,
    (CAST(getvariable('m_index') AS BIGINT) << 40) + (account_id - 100000000) * 256 + k AS txn_id, what, i, h, kind
FROM kept;

-- One row per booking of the month, in the order of the files.
CREATE OR REPLACE TEMP TABLE booking AS
WITH internal AS (
    SELECT *, (i + 1 + getvariable('m_index') * 7919 % (getvariable('places') - 1)) % getvariable('places') AS other
    FROM ordinary_booking WHERE what = 'internal'
), entry AS (
    SELECT txn_id, CASE WHEN what = 'internal' THEN txn_id END AS journal_id, day, seconds, account_id, direction,
        cents, txn_type,
        CASE WHEN txn_type = 'purchase' THEN ['pos', 'third_party', 'third_party', 'mobile'][1 + kind % 4]
             WHEN txn_type IN ('cash_in', 'cash_out', 'card_withdrawal') THEN ['atm', 'counter'][1 + kind % 2]
             WHEN txn_type = 'fee' THEN 'system'
             ELSE ['mobile', 'mobile', 'mobile', 'web', 'counter'][1 + kind % 5] END AS channel,
        CASE WHEN txn_type IN ('transfer_in', 'transfer_out') AND bank IS NOT NULL
             THEN '62990' || lpad(CAST(h % 100000000000 AS VARCHAR), 11, '0') END AS counterparty, bank,
        CAST(NULL AS BIGINT) AS reverses
    FROM ordinary_booking WHERE what <> 'internal'
    UNION ALL
    SELECT x.txn_id, x.txn_id, x.day, x.seconds, x.account_id, 'debit', x.cents, 'transfer_out', 'mobile',
        CAST(b.account_id AS VARCHAR), NULL, NULL
    FROM internal AS x JOIN budget AS b ON b.i = x.other
    UNION ALL
    SELECT x.txn_id + 128, x.txn_id, x.day, x.seconds, b.account_id, 'credit', x.cents, 'transfer_in', 'mobile',
        CAST(x.account_id AS VARCHAR), NULL, NULL
    FROM internal AS x JOIN budget AS b ON b.i = x.other
    UNION ALL
    SELECT (CAST(getvariable('m_index') AS BIGINT) << 40) + (account_id - 100000000) * 256 + 126, NULL,
        getvariable('m_first'), 32400, account_id, 'debit', swept, 'cash_out', 'counter', NULL, NULL, NULL
    FROM budget WHERE swept > 0
    UNION ALL
    SELECT (CAST(getvariable('m_index') AS BIGINT) << 40) + (account_id - 100000000) * 256 + 125, NULL,
        getvariable('m_first'), 600, account_id, 'credit', funded, 'cash_in', 'atm', NULL, NULL, NULL
    FROM budget WHERE funded > 0
    UNION ALL
    SELECT (CAST(getvariable('m_index') AS BIGINT) << 40) + (account_id - 100000000) * 256 + 124, NULL,
        getvariable('m_start') + 20, 1200, account_id, 'credit', balance // 8000, 'interest', 'system', NULL, NULL, NULL
    FROM budget
    WHERE month(getvariable('m_start')) IN (3, 6, 9, 12) AND balance >= 8000
      AND getvariable('m_start') + 20 BETWEEN getvariable('m_first') AND getvariable('m_last')
    UNION ALL
    SELECT txn_id, journal_id, day, seconds, account_id, direction, cents, txn_type, channel, NULL, bank, NULL
    FROM planned WHERE day BETWEEN getvariable('m_first') AND getvariable('m_last')
    UNION ALL
    SELECT txn_id, NULL, day, seconds, account_id, direction, cents, txn_type, channel, NULL, bank, reverses
    FROM case_booking WHERE day BETWEEN getvariable('m_first') AND getvariable('m_last')
)
SELECT e.day, e.txn_id, e.journal_id, e.account_id, a.customer_id, a.branch_id, instant(e.day, e.seconds) AS booked_at,
    e.direction, e.cents, e.channel, e.txn_type, e.counterparty, e.bank, e.reverses
FROM entry AS e JOIN account AS a USING (account_id);

-- One row per account and day on which it moved: its balance at the end of that day.
CREATE OR REPLACE TEMP TABLE day_balance AS
WITH daily AS (
    SELECT account_id, day, sum(CASE direction WHEN 'credit' THEN cents ELSE -cents END) AS net
    FROM booking GROUP BY ALL
)
SELECT d.account_id, d.day,
    CAST(s.balance + sum(d.net) OVER (PARTITION BY d.account_id ORDER BY d.day) AS BIGINT) AS balance, d.net
FROM daily AS d JOIN standing AS s USING (account_id);

-- The general ledger's side of the day: every entry without a counter entry in its own journal.
CREATE OR REPLACE TEMP TABLE gl_total AS
SELECT day,
    CASE WHEN txn_type IN ('cash_in', 'cash_out', 'card_withdrawal', 'deposit_open', 'deposit_close') THEN '1011'
         WHEN txn_type IN ('loan_drawdown', 'loan_repayment') THEN '1301'
         WHEN txn_type = 'card_repayment' THEN '1303'
         WHEN txn_type IN ('interest', 'sanction_interest') THEN '6411'
         WHEN txn_type = 'fee' THEN '6021'
         WHEN txn_type IN ('wealth_buy', 'wealth_redeem', 'insurance') THEN '2314'
         ELSE '3001' END AS gl_code,
    branch_id, sum(CASE direction WHEN 'credit' THEN cents ELSE 0 END)::BIGINT AS debit,
    sum(CASE direction WHEN 'debit' THEN cents ELSE 0 END)::BIGINT AS credit
FROM booking WHERE journal_id IS NULL
GROUP BY ALL;

-- Balances after the month.
CREATE OR REPLACE TEMP TABLE standing_next AS
SELECT s.account_id, s.balance + coalesce(m.net, 0) AS balance
FROM standing AS s
LEFT JOIN (SELECT account_id, sum(net)::BIGINT AS net FROM day_balance GROUP BY account_id) AS m USING (account_id);
DROP TABLE standing;
ALTER TABLE standing_next RENAME TO standing;
