-- The planted truth. For ordinary customers it is read off what was decided about them (`ordinary`,
-- `decided`, `fate`, `due_in`), for cases off what the case says; no rule is evaluated on balances.

-- One row per customer, branch and manager who answers for him on as_of.
CREATE OR REPLACE TABLE answer_coverage AS
WITH place AS (
    SELECT o.no, o.lead_rule AS rule, d.branch_id, d.manager_id,
        d.branch_id = CASE WHEN o.far THEN o.far_branch ELSE o.main_branch END AS leads,
        o.kind = 'registered' OR d.branch_id = o.main_branch
            OR d.branch_id = o.second_branch AND o.kind = 'two' OR o.far AND o.lead_rule <> 'loan_settled' AS business
    FROM ordinary AS o JOIN decided AS d USING (no)
), credit AS (
    SELECT no, branch_id, manager_id FROM loan WHERE NOT told AND seq = 1 AND settled_on IS NULL
    UNION ALL
    SELECT no, branch_id, manager_id FROM loan
    WHERE NOT told AND settled_on > getvariable('as_of') - 90
    UNION ALL
    SELECT c.no, c.branch_id, c.manager_id FROM card AS c JOIN ordinary AS o USING (no)
    WHERE c.card_type = 'credit' AND o.lead_rule = 'card'
)
SELECT customer_id(p.no) AS customer_id, p.branch_id, CASE WHEN p.leads THEN 'lead' ELSE 'assist' END AS role,
    coalesce(c.manager_id, p.manager_id) AS manager_id, p.rule, 'ordinary' AS "case"
FROM place AS p LEFT JOIN credit AS c ON c.no = p.no AND c.branch_id = p.branch_id AND p.leads
WHERE p.leads OR p.business
UNION ALL
SELECT customer_id(no), branch_id, role, manager_id, rule, "case" FROM case_coverage;

-- One row per customer: whether he is a key customer.
CREATE OR REPLACE TABLE answer_key_customers AS
SELECT customer_id(no) AS customer_id, true AS "key", 'deposit' AS basis, 'ordinary' AS "case"
FROM ordinary WHERE rich
UNION ALL
SELECT customer_id(o.no), true, 'loan', 'ordinary' FROM ordinary AS o JOIN loan AS l USING (no)
WHERE l.big AND NOT o.rich
UNION ALL
SELECT customer_id(no), basis IS NOT NULL, basis, "case" FROM case_key;

-- One row per reminder that falls due after as_of and within its days ahead.
CREATE OR REPLACE TABLE answer_due_reminders AS
WITH ordinary_due AS (
    SELECT 'R02.LOAN_MATURES' AS rule_code, l.customer_id, 'loan:' || l.loan_id AS subject, l.matures_on AS due_on,
        l.amount - (l.n - l.remaining - l.unpaid) * (l.amount // l.n) AS cents, l.branch_id
    FROM loan AS l WHERE NOT l.told AND l.remaining = 1 AND l.due_in IS NOT NULL
    UNION ALL
    SELECT 'R02.REPAYMENT_DUE', l.customer_id, 'loan:' || l.loan_id, i.due_on, i.principal + i.interest, l.branch_id
    FROM loan AS l JOIN instalment AS i ON i.loan_id = l.loan_id AND i.instalment_no = l.n - l.remaining + 1
    WHERE NOT l.told AND l.due_in < 8
    UNION ALL
    SELECT 'R02.CARD_REPAYMENT_DUE', c.customer_id, 'card:' || c.card_id, s.due_on, s.cents, c.branch_id
    FROM card AS c JOIN statement AS s ON s.card_id = c.card_id AND s.due_on = getvariable('as_of') + CAST(c.due_in AS INTEGER)
    WHERE c.due_in < 4
    UNION ALL
    SELECT 'R02.DEPOSIT_MATURES', customer_id(no), 'account:' || account_id(no, 3), matures_on, principal, branch_id
    FROM time_deposit WHERE fate = 'soon'
    UNION ALL
    SELECT 'R02.WEALTH_MATURES', customer_id(no), 'holding:' || holding_id(no, seq), matures_on, cents, branch_id
    FROM holding WHERE fate = 'soon'
    UNION ALL
    SELECT 'R02.DOCUMENT_EXPIRES', customer_id, 'customer:' || customer_id, document_expires_on, NULL, NULL
    FROM customer WHERE no > getvariable('case_customers') AND status = 'active' AND document_in BETWEEN 1 AND 25
    UNION ALL
    SELECT 'R02.RISK_PROFILE_EXPIRES', customer_id, 'customer:' || customer_id, risk_profile_expires_on, NULL, NULL
    FROM customer WHERE no > getvariable('case_customers') AND status = 'active' AND risk_in BETWEEN 1 AND 25
)
SELECT rule_code, customer_id, subject, 'due:' || strftime(due_on, '%Y-%m-%d') AS "window", due_on,
    money(cents) AS amount, branch_id, 'ordinary' AS "case"
FROM ordinary_due
UNION ALL
SELECT rule_code, customer_id(no), subject, 'due:' || strftime(due_on, '%Y-%m-%d'), due_on, money(cents), branch_id,
    "case"
FROM case_due;

CREATE OR REPLACE TABLE answer_over_contact AS
SELECT customer_id(no) AS customer_id, CAST(contacts AS BIGINT) AS contacts, "case" FROM case_over_contact;

CREATE OR REPLACE TABLE answer_movements AS
SELECT business_date, rule_code, customer_id(no) AS customer_id, subject, "window", expected, "case"
FROM case_movement;
