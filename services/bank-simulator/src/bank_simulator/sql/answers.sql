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
FROM case_movement;

-- One row per planted customer and tag that his case is about; `strength` where the case says it.
CREATE OR REPLACE TABLE answer_potential_tags AS
SELECT customer_id(no) AS customer_id, path, expected, strength, "case" FROM case_tag;

-- One row per planted customer whose case is about tiers.
CREATE OR REPLACE TABLE answer_tiers AS
SELECT customer_id(no) AS customer_id, tier, "case" FROM case_tier;

-- One row per planted customer whose case is about the life cycle.
CREATE OR REPLACE TABLE answer_lifecycle AS
SELECT customer_id(no) AS customer_id, lifecycle, "case" FROM case_lifecycle;
