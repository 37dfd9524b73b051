-- One row per card. Only `credit` cards have statements and spending.
CREATE OR REPLACE TABLE card AS
WITH credit AS (
    SELECT o.no, 4 AS seq,
        CASE WHEN lead_rule = 'card' AND far THEN far_branch ELSE main_branch END AS branch_id,
        CASE WHEN draw('card due', o.no, 100) < 10 THEN 1 + draw('card soon', o.no, 2)
             ELSE 6 + draw('card late', o.no, 22) END AS due_in,
        (5 + draw('limit', o.no, 46)) * 100000 AS credit_limit,
        CASE WHEN far THEN NULL ELSE 'same' END AS beside_loan
    FROM ordinary AS o
    -- a borrower's card is kept where the loan is, so that no second manager comes in
    WHERE lead_rule = 'card' OR lead_rule = 'loan' AND NOT far AND draw('has card', no, 100) < 20
)
SELECT c.no, c.seq, card_id(c.no, c.seq) AS card_id, customer_id(c.no) AS customer_id, c.branch_id,
    coalesce(l.manager_id, m.manager_id) AS manager_id, account_id(c.no, 1) AS account_id,
    'credit' AS card_type, 'tulou_gold' AS product, c.credit_limit, c.due_in,
    getvariable('from') - 120 - CAST(draw('issued', c.no, 2000) AS INTEGER) AS issued_on,
    CAST(NULL AS DATE) AS closed_on, false AS told,
    getvariable('from') - 117 - CAST(draw('issued', c.no, 2000) AS INTEGER) AS activated_on, 0 AS overdue_periods
FROM credit AS c
JOIN manager_count AS mc USING (branch_id)
JOIN manager AS m ON m.branch_id = c.branch_id AND m.token = 'm' || draw('card manager', c.no, mc.managers)
LEFT JOIN (SELECT no, manager_id FROM loan WHERE seq = 1 AND NOT told AND settled_on IS NULL) AS l ON l.no = c.no
UNION ALL
SELECT no, 5, card_id(no, 5), customer_id, branch_id, NULL, account_id, 'debit', 'tulou_debit', NULL, NULL,
    opened_on, NULL, false, opened_on + 3, NULL
FROM account WHERE role = 'main' AND draw('debit card', no, 100) < 70
UNION ALL
SELECT no, seq, card_id(no, seq), customer_id(no), branch_id, manager_id, NULL, card_type, 'tulou_gold',
    credit_limit, NULL, issued_on, closed_on, true, activated_on,
    CASE WHEN card_type = 'credit' THEN overdue_periods END
FROM case_card;

-- One row per spending on a credit card: four in each cycle of 27 days before a statement.
CREATE OR REPLACE TABLE spending AS
WITH cycles AS (
    SELECT c.*, unnest(range(-getvariable('months') - 2, 3)) AS cycle
    FROM card AS c WHERE due_in IS NOT NULL
), dated AS (
    SELECT *, CAST(getvariable('as_of') + CAST(due_in AS INTEGER) + to_months(CAST(cycle AS INTEGER)) AS DATE) - 20
        AS statement_on
    FROM cycles
), items AS (
    SELECT *, unnest(range(4)) AS i FROM dated WHERE statement_on <= getvariable('to') + 31
)
SELECT no, card_id, customer_id, account_id, cycle, i, statement_on,
    statement_on - CAST(draw('spent on', (card_id * 64 + cycle + 40) * 8 + i, 27) AS INTEGER) AS day,
    1000 + draw('spent', (card_id * 64 + cycle + 40) * 8 + i, credit_limit // 20) AS cents
FROM items;

-- One row per statement: what was spent in the cycle; paid when due.
CREATE OR REPLACE TABLE statement AS
SELECT card_id, customer_id, account_id, statement_on, statement_on + 20 AS due_on, sum(cents)::BIGINT AS cents,
    CASE WHEN statement_on + 20 <= getvariable('to') THEN statement_on + 20 END AS paid_on
FROM spending WHERE statement_on <= getvariable('to')
GROUP BY ALL
UNION ALL
SELECT card_id(no, seq), customer_id(no), NULL, due_on - 20, due_on, cents, paid_on FROM case_statement;

-- One row per booking on a credit card.
CREATE OR REPLACE TABLE card_booking AS
SELECT card_id, customer_id, day, 'debit' AS direction, cents,
    pick(['food', 'travel', 'clothes', 'fuel', 'online', 'hospital'], 'category', card_id * 1000 + cycle * 4 + i)
        AS category,
    instant(day, 32400 + draw('spent at', (card_id * 64 + cycle + 40) * 8 + i, 43200)) AS booked_at, i AS place
FROM spending WHERE day <= getvariable('to')
UNION ALL
SELECT s.card_id, s.customer_id, s.paid_on, 'credit', s.cents, NULL, instant(s.paid_on, 36000), 9
FROM statement AS s JOIN card AS c USING (card_id)
WHERE s.paid_on <= getvariable('to') AND NOT c.told
UNION ALL
SELECT card_id(no, 1), customer_id(no), day, CASE WHEN cents > 0 THEN 'debit' ELSE 'credit' END, abs(cents),
    CASE WHEN cents > 0 THEN 'travel' END, instant(day, seconds), place
FROM case_spend;

-- One row per card and day of the period on which what is owed changed.
CREATE OR REPLACE TABLE card_version AS
WITH movement AS (
    SELECT card_id, greatest(day, getvariable('from')) AS day,
        sum(CASE direction WHEN 'debit' THEN cents ELSE -cents END) AS cents
    FROM card_booking GROUP BY ALL
    UNION ALL
    SELECT s.card_id, greatest(s.statement_on, getvariable('from')), s.cents
    FROM statement AS s JOIN card AS c USING (card_id) WHERE c.told
    UNION ALL
    SELECT s.card_id, greatest(s.paid_on, getvariable('from')), -s.cents
    FROM statement AS s JOIN card AS c USING (card_id) WHERE c.told AND s.paid_on IS NOT NULL
    UNION ALL
    SELECT card_id, greatest(issued_on, getvariable('from')), 0 FROM card
    UNION ALL
    SELECT card_id, closed_on, 0 FROM card WHERE closed_on BETWEEN getvariable('from') + 1 AND getvariable('to')
), daily AS (
    SELECT card_id, day, sum(cents) AS cents FROM movement GROUP BY ALL
)
SELECT card_id, day AS valid_from,
    coalesce(lead(day) OVER w, DATE '9999-12-31') AS valid_until,
    CAST(sum(cents) OVER (w ROWS UNBOUNDED PRECEDING) AS BIGINT) AS owed
FROM daily
WINDOW w AS (PARTITION BY card_id ORDER BY day);

-- One row per wealth, fund or insurance holding.
CREATE OR REPLACE TABLE holding AS
WITH drawn AS (
    SELECT no, main_branch,
        CASE WHEN draw('wealth fate', no, 100) < 8 THEN 'soon' WHEN draw('wealth fate', no, 100) < 60 THEN 'later'
             WHEN draw('wealth fate', no, 100) < 80 THEN 'past' ELSE 'bought' END AS fate,
        (10 + draw('wealth', no, 31)) * 100000 AS cents
    FROM ordinary
    WHERE kind IN ('single', 'two') AND NOT newcomer AND draw('has wealth', no, 1000) < least(inclined(40, 0.9, no), 400)
)
SELECT no, 1 AS seq, main_branch AS branch_id, cents, fate,
    pick(['wealth', 'wealth', 'fund', 'insurance'], 'wealth kind', no) AS kind,
    CASE fate WHEN 'bought' THEN getvariable('from') + 3 + CAST(draw('bought', no, getvariable('span') - 10) AS INTEGER)
        ELSE getvariable('from') - 10 - CAST(draw('bought', no, 600) AS INTEGER) END AS bought_on,
    CASE fate WHEN 'soon' THEN getvariable('as_of') + 1 + CAST(draw('wealth soon', no, 12) AS INTEGER)
        WHEN 'past' THEN getvariable('from') + 5 + CAST(draw('wealth past', no, getvariable('span') - 10) AS INTEGER)
        ELSE getvariable('as_of') + 20 + CAST(draw('wealth later', no, 380) AS INTEGER) END AS matures_on,
    CASE fate WHEN 'past' THEN getvariable('from') + 5
        + CAST(draw('wealth past', no, getvariable('span') - 10) AS INTEGER) END AS ended_on
FROM drawn
UNION ALL
SELECT no, seq, branch_id, cents, 'case', 'wealth', bought_on, matures_on, ended_on
FROM case_holding;

-- One row per employer, numbered from 0: rich businesses pay salaries.
CREATE OR REPLACE TABLE employer AS
SELECT no, row_number() OVER (ORDER BY no) - 1 AS employer_no, 5 * (1 + draw('payday', no, 4)) AS pay_day
FROM ordinary WHERE rich AND customer_type = 'business' AND kind IN ('single', 'two');
SET VARIABLE employers = (SELECT count(*) FROM employer);

-- One row per employee whose salary is paid into his main account.
CREATE OR REPLACE TABLE salary AS
SELECT o.no, e.no AS employer, e.pay_day, 250000 + draw('salary', o.no, 1300) * 500 AS cents
FROM ordinary AS o
JOIN employer AS e ON e.employer_no = draw('employer', o.no, greatest(getvariable('employers'), 1))
WHERE o.customer_type = 'individual' AND o.kind IN ('single', 'two') AND NOT o.newcomer
  AND draw('salaried', o.no, 100) < 15;

-- One row per merchant: traders whose turnover by card and code comes in ten batches a month.
CREATE OR REPLACE TABLE merchant AS
SELECT no, account_id(no, 1) AS account_id, main_branch AS branch_id,
    pick(['grocery', 'restaurant', 'clothing', 'pharmacy', 'fuel', 'hotel'], 'merchant', no) AS category,
    getvariable('from') - 30 - CAST(draw('signed', no, 1500) AS INTEGER) AS signed_on
FROM ordinary
WHERE kind IN ('single', 'two') AND NOT newcomer
  AND draw('is merchant', no, 1000) < CASE customer_type WHEN 'business' THEN 250 WHEN 'group' THEN 0 ELSE 25 END;
