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

CREATE OR REPLACE TABLE answer_over_contact AS
SELECT customer_id(no) AS customer_id, CAST(contacts AS BIGINT) AS contacts, over_campaigns AS campaign_ids,
    "case"
FROM case_over_contact;

CREATE OR REPLACE TABLE answer_movements AS
SELECT business_date, rule_code, customer_id(no) AS customer_id, subject, "window", expected, "case"
FROM case_movement
UNION ALL
SELECT day, CASE change WHEN 'arrears' THEN 'R03.ARREARS' WHEN 'overdue' THEN 'R03.OVERDUE' ELSE 'R03.DOWNGRADE' END,
    customer_id, 'loan:' || loan_id,
    CASE change WHEN 'arrears' THEN 'month:' || strftime(day, '%Y-%m')
        WHEN 'overdue' THEN 'since:' || strftime(day - days_overdue, '%Y-%m-%d') || ':1'
        ELSE 'class:' || five_tier_after || ':' || strftime(day, '%Y-%m-%d') END,
    true, 'ordinary'
FROM loan_event
WHERE day > getvariable('to') - 3 AND customer_id > customer_id(getvariable('case_customers'))
  AND (change IN ('arrears', 'overdue') OR change = 'class_changed'
       AND list_position(['normal', 'special_mention', 'substandard', 'doubtful', 'loss'], five_tier_after)
           > list_position(['normal', 'special_mention', 'substandard', 'doubtful', 'loss'], five_tier_before))
UNION ALL
SELECT DISTINCT s.due_on + 1, 'R03.CARD_OVERDUE', s.customer_id, 'card:' || s.card_id,
    'due:' || strftime(s.due_on, '%Y-%m-%d'), true, 'statement'
FROM statement AS s JOIN card AS c USING (card_id)
WHERE s.due_on + 1 BETWEEN getvariable('to') - 2 AND getvariable('to') AND s.cents > 0
  AND (s.paid_on IS NULL OR s.paid_on > s.due_on + 1)
  AND c.card_type = 'credit' AND (c.closed_on IS NULL OR c.closed_on > s.due_on + 1)
UNION ALL
SELECT moved_on, 'R03.KEY_DATA_CHANGED', customer_id, 'customer:' || customer_id,
    'changed:' || strftime(moved_on, '%Y-%m-%d') || ':address', true, 'ordinary'
FROM customer WHERE moved_on > born(customer_since) AND moved_on BETWEEN getvariable('to') - 2 AND getvariable('to');

-- One row per ticket that a lobby's machine printed or changed on the last three days: planted ones, and those
-- of people whom nobody knew.
CREATE OR REPLACE TABLE live_ticket AS
SELECT day, strftime(day, '%Y%m%d') || '-' || no || '-' || place AS ticket_id, branch_id, state, 'personal' AS queue,
    CASE WHEN known THEN customer_id(no) END AS customer_id, instant(day, seconds) AS occurred_at
FROM case_ticket
UNION ALL
SELECT d.day, strftime(d.day, '%Y%m%d') || '-' || b.branch_id || '-' || i, b.branch_id, 'drawn', 'business', NULL,
    instant(d.day, 30600 + draw('drawn', b.branch_no * 1000 + i, 28800))
FROM branch AS b, (SELECT unnest(range(5)) AS i) AS i,
    (SELECT getvariable('to') - CAST(unnest(range(3)) AS INTEGER) AS day) AS d;

-- One row per planted customer and tag that his case is about; `strength` where the case says it.
CREATE OR REPLACE TABLE answer_potential_tags AS
SELECT customer_id(no) AS customer_id, path, expected, strength, "case" FROM case_tag;

-- One row per planted customer whose case is about tiers.
CREATE OR REPLACE TABLE answer_tiers AS
SELECT customer_id(no) AS customer_id, tier, "case" FROM case_tier;

-- One row per planted customer whose case is about the life cycle.
CREATE OR REPLACE TABLE answer_lifecycle AS
SELECT customer_id(no) AS customer_id, lifecycle, "case" FROM case_lifecycle;
