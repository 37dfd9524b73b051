-- Every state table as versions: the columns of the contract and [valid_from, valid_until).

CREATE OR REPLACE TABLE v_org_units AS
SELECT 'UNION' AS org_id, CAST(NULL AS VARCHAR) AS parent_id, 'union' AS org_type, '土楼农村信用社联合社' AS name_zh,
    'Tulou Rural Credit Union' AS name_en, CAST(NULL AS VARCHAR) AS region, DATE '1998-07-01' AS opened_on,
    CAST(NULL AS DATE) AS closed_on, getvariable('from') AS valid_from, forever() AS valid_until
UNION ALL SELECT org_id, 'UNION', 'legal_entity', zh || '农村商业银行', en || ' Rural Commercial Bank', zh || '县',
    DATE '1999-01-01' + CAST(draw('le opened', le_no, 3000) AS INTEGER), NULL, getvariable('from'), forever()
FROM legal_entity
UNION ALL SELECT branch_id, parent_id, 'branch', name_zh, name_en, region,
    DATE '2001-01-01' + CAST(draw('br opened', branch_no, 5000) AS INTEGER), NULL, getvariable('from'), forever()
FROM branch;

-- Leaving is known a fortnight ahead.
CREATE OR REPLACE TABLE v_employees AS
SELECT employee_id, name, org_id AS home_org_id, hired_on, CAST(NULL AS DATE) AS left_on,
    getvariable('from') AS valid_from, coalesce(left_on - 14, forever()) AS valid_until
FROM post WHERE left_on IS NULL OR left_on - 14 > getvariable('from')
UNION ALL SELECT employee_id, name, org_id, hired_on, left_on, born(left_on - 14), forever()
FROM post WHERE left_on IS NOT NULL;

CREATE OR REPLACE TABLE v_employee_roles AS
SELECT employee_id, org_id, role, hired_on AS effective_from, CAST(NULL AS DATE) AS effective_until,
    getvariable('from') AS valid_from, coalesce(left_on - 14, forever()) AS valid_until
FROM post WHERE left_on IS NULL OR left_on - 14 > getvariable('from')
UNION ALL SELECT employee_id, org_id, role, hired_on, left_on, born(left_on - 14), forever()
FROM post WHERE left_on IS NOT NULL;

CREATE OR REPLACE TABLE v_customers AS
WITH customer_change AS (
    SELECT no, moved_on AS day, 'address' AS field FROM customer WHERE moved_on > born(customer_since)
    UNION ALL SELECT no, day, field FROM case_change
)
SELECT c.* EXCLUDE (no, newcomer, document_in, risk_in, moved_on),
    born(customer_since) AS valid_from, coalesce(ch.day, forever()) AS valid_until
FROM customer AS c LEFT JOIN customer_change AS ch USING (no)
UNION ALL
SELECT c.* EXCLUDE (no, newcomer, document_in, risk_in, moved_on)
        REPLACE (CASE WHEN ch.field = 'address' THEN replace(address, '村', '村新区') ELSE address END AS address,
            CASE WHEN ch.field = 'phone'
                THEN '100' || lpad(CAST((no * 61803399 + 7) % 100000000 AS VARCHAR), 8, '0') ELSE phone END AS phone,
            CASE WHEN ch.field = 'name' THEN name || '之' ELSE name END AS name,
            CASE WHEN ch.field = 'education' THEN 'doctor' ELSE education END AS education),
    ch.day, forever()
FROM customer AS c JOIN customer_change AS ch USING (no);

CREATE OR REPLACE TABLE v_customer_relations AS
SELECT r.*, greatest(born(a.customer_since), born(b.customer_since)) AS valid_from, forever() AS valid_until
FROM relation AS r
JOIN customer AS a ON a.customer_id = r.customer_id JOIN customer AS b ON b.customer_id = r.related_customer_id;

CREATE OR REPLACE TABLE v_deposit_accounts AS
WITH full_row AS (
    SELECT account_id, customer_id, branch_id, product, 'CNY' AS currency, rate, term_months, opened_on, matures_on,
        closed_on, CASE WHEN product = 'demand' THEN 'monthly' END AS statement_frequency
    FROM account WHERE opened_on <= getvariable('to')
)
SELECT * REPLACE (CASE WHEN closed_on <= born(opened_on) THEN closed_on END AS closed_on),
    born(opened_on) AS valid_from, CASE WHEN closed_on > born(opened_on) THEN closed_on ELSE forever() END AS valid_until
FROM full_row
UNION ALL SELECT *, closed_on, forever() FROM full_row WHERE closed_on > born(opened_on);

CREATE OR REPLACE TABLE v_account_users AS
SELECT account_id, customer_id, 'holder' AS role, opened_on AS effective_from, CAST(NULL AS DATE) AS effective_until,
    born(opened_on) AS valid_from, forever() AS valid_until
FROM account WHERE opened_on <= getvariable('to')
UNION ALL SELECT a.account_id, r.related_customer_id, 'authorised', born(a.opened_on), NULL,
    greatest(r.valid_from, born(a.opened_on)), forever()
FROM account AS a JOIN v_customer_relations AS r USING (customer_id)
WHERE a.role = 'main' AND r.relation = 'household_member' AND draw('authorised', a.account_id, 4) = 0;

CREATE OR REPLACE TABLE v_standing_orders AS
SELECT 500000000 + account_id AS order_id, account_id, pick(getvariable('banks'), 'order', account_id)
        AS counterparty_bank, '62990' || lpad(CAST(draw('order account', account_id, 10000000000) AS VARCHAR), 11, '0')
        AS counterparty_account, money(1000 + draw('order sum', account_id, 50000)) AS amount,
    pick(['rent', 'loan', 'utilities', 'school'], 'purpose', account_id) AS purpose,
    born(opened_on) AS valid_from, forever() AS valid_until
FROM account WHERE role = 'main' AND draw('order', account_id, 100) < 3;

CREATE OR REPLACE TABLE v_loans AS SELECT * EXCLUDE (told) FROM loan_version ORDER BY valid_from;

CREATE OR REPLACE TABLE v_loan_schedules AS
WITH s AS (
    SELECT i.loan_id, CAST(i.instalment_no AS INTEGER) AS instalment_no, i.due_on, money(i.principal) AS principal,
        money(i.interest) AS interest, i.paid_on, born(l.granted_on) AS start
    FROM instalment AS i JOIN loan AS l USING (loan_id) WHERE l.granted_on <= getvariable('to')
)
SELECT loan_id, instalment_no, due_on, principal, interest, CASE WHEN paid_on <= start THEN paid_on END AS paid_on,
    start AS valid_from, CASE WHEN paid_on > start THEN paid_on ELSE forever() END AS valid_until
FROM s
UNION ALL SELECT loan_id, instalment_no, due_on, principal, interest, paid_on, paid_on, forever()
FROM s WHERE paid_on > start;

CREATE OR REPLACE TABLE v_credit_cards AS
SELECT c.card_id, c.customer_id, c.branch_id, c.manager_id, c.account_id, c.card_type, c.product,
    money(c.credit_limit) AS credit_limit, CASE WHEN c.card_type = 'credit' THEN money(v.owed) END AS balance,
    CASE WHEN c.due_in IS NOT NULL THEN CAST(day(getvariable('as_of') + CAST(c.due_in - 20 AS INTEGER)) AS INTEGER) END
        AS statement_day,
    CAST(c.overdue_periods AS INTEGER) AS overdue_periods, c.issued_on, c.activated_on,
    CASE WHEN c.closed_on <= v.valid_from THEN c.closed_on END AS closed_on, v.valid_from, v.valid_until
FROM card AS c JOIN card_version AS v USING (card_id) WHERE c.issued_on <= getvariable('to');

CREATE OR REPLACE TABLE v_card_statements AS
WITH s AS (
    SELECT card_id, statement_on, due_on, money(cents) AS amount, money(cents // 10) AS minimum_due, paid_on,
        born(statement_on) AS start
    FROM statement JOIN (SELECT card_id, told FROM card) AS c USING (card_id)
    WHERE told OR statement_on >= getvariable('from') - 60
)
SELECT * EXCLUDE (start) REPLACE (CASE WHEN paid_on <= start THEN paid_on END AS paid_on),
    start AS valid_from, CASE WHEN paid_on > start THEN paid_on ELSE forever() END AS valid_until FROM s
UNION ALL SELECT * EXCLUDE (start), paid_on, forever() FROM s WHERE paid_on > start;

CREATE OR REPLACE TABLE v_wealth_holdings AS
WITH w AS (
    SELECT holding_id(no, seq) AS holding_id, customer_id(no) AS customer_id, branch_id, kind,
        'tulou_' || kind || '_' || CAST(1 + no % 9 AS VARCHAR) AS product, money(cents) AS amount, bought_on, matures_on,
        ended_on, born(bought_on) AS start
    FROM holding
)
SELECT * EXCLUDE (start) REPLACE (CASE WHEN ended_on <= start THEN ended_on END AS ended_on),
    start AS valid_from, CASE WHEN ended_on > start THEN ended_on ELSE forever() END AS valid_until FROM w
UNION ALL SELECT * EXCLUDE (start), ended_on, forever() FROM w WHERE ended_on > start;

CREATE OR REPLACE TABLE v_payroll_members AS
SELECT customer_id(employer) AS employer_id, customer_id(no) AS customer_id, account_id(no, 1) AS account_id,
    getvariable('from') - 100 AS effective_from, CAST(NULL AS DATE) AS effective_until,
    getvariable('from') AS valid_from, forever() AS valid_until
FROM salary
UNION ALL
SELECT customer_id((SELECT min(no) FROM ordinary WHERE customer_type = 'business')), customer_id(no), account_id(no, 1),
    getvariable('from') - 100, until, getvariable('from'), forever()
FROM case_payroll;

CREATE OR REPLACE TABLE v_merchants AS
SELECT 600000000 + no * 10 AS merchant_id, customer_id(no) AS customer_id, account_id, branch_id, category, signed_on,
    CAST(NULL AS DATE) AS ended_on, getvariable('from') AS valid_from, forever() AS valid_until
FROM merchant
UNION ALL
SELECT 600000000 + m.no * 10 + m.seq, customer_id(m.no), account_id(m.no, 1), c.home_branch_id, 'grocery', m.signed_on,
    m.ended_on, getvariable('from'), forever()
FROM case_merchant AS m JOIN case_customer AS c USING (no);

CREATE OR REPLACE TABLE v_digital_channels AS
WITH signed AS (
    SELECT o.no, c.customer_since, channel, share, active, p.day AS persuaded_on
    FROM ordinary AS o JOIN customer AS c USING (no),
        (VALUES ('mobile', 55, 60), ('sms', 70, 0), ('wechat', 20, 40), ('web', 6, 30), ('etc', 4, 0))
            AS x(channel, share, active)
    LEFT JOIN persuaded AS p ON p.no = o.no AND x.channel = 'mobile'
    WHERE o.kind IN ('single', 'two') AND (p.day IS NOT NULL OR draw('signed ' || channel, o.no, 100) < share)
), started AS (
    SELECT *, coalesce(persuaded_on, greatest(customer_since,
            getvariable('from') - 30 - CAST(draw('signed on' || channel, no, 1500) AS INTEGER))) AS signed_on, draw('active ' || channel, no, 100) < active AS uses
    FROM signed
), used AS (
    SELECT no, channel, signed_on, getvariable('m0')[m + 1] + CAST(draw('used on' || channel, no * 64 + m, 28) AS INTEGER)
        AS day
    FROM (SELECT *, unnest(range(getvariable('months'))) AS m FROM started WHERE uses)
), versions AS (
    SELECT no, channel, signed_on, CAST(NULL AS DATE) AS last_used_on, born(signed_on) AS day FROM started
    UNION ALL
    SELECT no, channel, signed_on, day, day FROM used WHERE day > born(signed_on) AND day <= getvariable('to')
)
SELECT customer_id(no) AS customer_id, channel, signed_on, CAST(NULL AS DATE) AS ended_on, last_used_on,
    day AS valid_from, coalesce(lead(day) OVER (PARTITION BY no, channel ORDER BY day), forever()) AS valid_until
FROM versions
UNION ALL
SELECT customer_id(no), channel, signed_on, ended_on, last_used_on, getvariable('from'), forever() FROM case_channel;

CREATE OR REPLACE TABLE v_coverage_locks AS
SELECT customer_id(no) AS customer_id, branch_id, manager_id, locked_on, locked_until, 'former system' AS reason,
    born(locked_on - 10) AS valid_from, forever() AS valid_until
FROM case_lock;

CREATE OR REPLACE TABLE v_coverage_managers AS
SELECT customer_id(no) AS customer_id, branch_id, manager_id, getvariable('from') - 40 AS assigned_on,
    getvariable('from') AS valid_from, forever() AS valid_until
FROM assignment
UNION ALL
SELECT customer_id(no), branch_id, manager_id, c.customer_since, born(c.customer_since), forever()
FROM newcomer_assignment JOIN customer AS c USING (no);
