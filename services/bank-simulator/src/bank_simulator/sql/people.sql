-- One row per ordinary customer: what is decided about him before anything is made of it.
-- kind: invalid (struck off), registered (no business), single (one branch), two (a second, small one)
-- lead_rule: which rule of coverage has to decide; far: the loan or card is not at the main branch.
CREATE OR REPLACE TABLE ordinary AS
WITH drawn AS (
    SELECT no,
        CASE WHEN draw('type', no, 1000) < 920 THEN 'individual'
             WHEN draw('type', no, 1000) < 990 THEN 'business' ELSE 'group' END AS customer_type,
        draw('wheel', no, getvariable('wheel_size')) AS seat_no,
        draw('kind', no, 1000) AS k, draw('rich', no, 1000) AS rich_draw,
        draw('lead', no, 1000) AS lead_draw, draw('far', no, 100) < 15 AS far_draw
    FROM (SELECT unnest(range(getvariable('case_customers') + 1, getvariable('customers') + 1)) AS no)
), kinds AS (
    SELECT *,
        CASE WHEN k < 10 THEN 'invalid' WHEN k < 50 THEN 'registered'
             WHEN k < 840 OR customer_type = 'group' THEN 'single' ELSE 'two' END AS kind
    FROM drawn
), decided AS (
    SELECT *,
        kind IN ('single', 'two')
            AND rich_draw < CASE customer_type WHEN 'individual' THEN 12 ELSE 150 END AS rich,
        CASE
            WHEN kind IN ('invalid', 'registered') THEN 'registered'
            -- the busy borrow more often, those with means hold more cards
            WHEN customer_type = 'individual' AND lead_draw < 20 + activity(no) THEN 'loan'
            WHEN customer_type = 'business' AND lead_draw < 100 + 2 * activity(no) THEN 'loan'
            WHEN lead_draw >= 990 THEN 'loan_settled'
            WHEN customer_type = 'individual' AND lead_draw >= 990 - least(inclined(60, 0.9, no), 400) THEN 'card'
            ELSE 'deposit'
        END AS lead_rule
    FROM kinds
)
SELECT d.no, d.customer_type, d.kind, d.rich, d.lead_rule,
    d.lead_rule IN ('loan', 'loan_settled', 'card') AND d.far_draw AS far,
    d.kind = 'single' AND NOT d.rich AND d.lead_rule = 'deposit' AND d.customer_type = 'individual'
        AND draw('newcomer', d.no, 100) < 4 AS newcomer,
    w.branch_id AS main_branch,
    second.branch_id AS second_branch, third.branch_id AS far_branch
FROM decided AS d
JOIN wheel AS w USING (seat_no)
JOIN branch AS b ON b.branch_id = w.branch_id
JOIN branch AS second ON second.le_no = b.le_no AND second.seq = (b.seq + 1) % b.siblings
JOIN branch AS third ON third.le_no = b.le_no AND third.seq = (b.seq + 2) % b.siblings;

-- One row per customer: who it is. Every document and phone number is impossible by construction:
-- no region is 99…, the check digit is wrong, and no operator uses 100.
CREATE OR REPLACE TABLE customer AS
WITH everybody AS (
    SELECT no, customer_type, main_branch AS home_branch_id,
        CASE WHEN kind = 'invalid' THEN 'invalid' ELSE 'active' END AS status,
        newcomer,
        CASE WHEN draw('doc', no, 1000) < 50 THEN NULL
             WHEN draw('doc', no, 1000) < 80 THEN 2 + draw('doc in', no, 24)
             WHEN draw('doc', no, 1000) < 90 THEN -1 - draw('doc in', no, 200)
             ELSE 60 + draw('doc in', no, 3500) END AS document_in,
        CASE WHEN customer_type <> 'individual' OR draw('risk', no, 1000) < 600 THEN NULL
             WHEN draw('risk', no, 1000) < 620 THEN 2 + draw('risk in', no, 24)
             WHEN draw('risk', no, 1000) < 660 THEN -1 - draw('risk in', no, 300)
             ELSE 60 + draw('risk in', no, 300) END AS risk_in,
        CAST(NULL AS DATE) AS told_birth, CAST(NULL AS DATE) AS told_since,
        CAST(NULL AS VARCHAR) AS told_occupation, CAST(NULL AS VARCHAR) AS told_industry
    FROM ordinary
    UNION ALL
    SELECT no, customer_type, home_branch_id, status, false, document_in, risk_in, birth_date, customer_since,
        occupation, industry
    FROM case_customer
), drawn AS (
    SELECT *,
        customer_type = 'individual' AS person,
        coalesce(told_birth, DATE '1944-01-01' + CAST(draw('birth', no, 23000) AS INTEGER)) AS born,
        pick(getvariable('surnames'), 'n1', no) AS surname,
        pick(getvariable('given'), 'n2', no) AS given1,
        CASE WHEN draw('n4', no, 4) > 0 THEN pick(getvariable('given'), 'n3', no) ELSE '' END AS given2,
        CASE WHEN newcomer
             THEN getvariable('from') + 1
                + CAST(draw('since', no, getvariable('as_of') - getvariable('from') - 45) AS INTEGER)
             ELSE coalesce(told_since, getvariable('from') - 100 - CAST(draw('since', no, 5000) AS INTEGER)) END AS since
    FROM everybody
), documents AS (
    SELECT *,
        '99' || lpad(CAST(no % 10000 AS VARCHAR), 4, '0') || strftime(born, '%Y%m%d')
            || lpad(CAST(no // 10000 % 1000 AS VARCHAR), 3, '0') AS id17
    FROM drawn
)
SELECT no, customer_id(no) AS customer_id, customer_type,
    CASE customer_type WHEN 'individual' THEN surname || given1 || given2
        WHEN 'business' THEN b.region || given1 || given2 || pick(getvariable('trades'), 'trade', no) || '有限公司'
        ELSE given1 || given2 || surname || '集团有限公司' END AS name,
    CASE WHEN person THEN 'id_card' ELSE 'credit_code' END AS document_type,
    CASE WHEN person
        THEN id17 || '10X98765432'[1 + CAST((1 + list_sum(list_transform(
                [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
                lambda weight, nth: weight * CAST(id17[nth] AS INTEGER)))) % 11 AS BIGINT)]
        ELSE '99990000' || lpad(CAST(no AS VARCHAR), 9, '0') || 'Z' END AS document_no,
    getvariable('as_of') + CAST(document_in AS INTEGER) AS document_expires_on,
    CASE WHEN draw('phone', no, 100) < 90
        THEN '100' || lpad(CAST(no * 61803399 % 100000000 AS VARCHAR), 8, '0') END AS phone,
    CASE WHEN person THEN CASE WHEN draw('sex', no, 2) = 0 THEN 'female' ELSE 'male' END END AS sex,
    CASE WHEN person THEN born END AS birth_date,
    CASE WHEN person THEN coalesce(told_occupation, pick(['farmer', 'worker', 'trader', 'teacher', 'driver', 'retired', 'civil_servant',
        'fisher', 'self_employed', 'student'], 'occupation', no)) END AS occupation,
    CASE WHEN person THEN pick(['primary', 'middle', 'high', 'college', 'bachelor', 'master'], 'education', no)
        END AS education,
    CASE WHEN person THEN pick(['single', 'married', 'married', 'married', 'divorced', 'widowed'], 'marital', no)
        END AS marital_status,
    b.region,
    b.region || pick(getvariable('given'), 'village', no) || '村' || CAST(1 + draw('house', no, 300) AS VARCHAR)
        || '号' AS address,
    CASE WHEN NOT person THEN coalesce(told_industry, pick(['agriculture', 'fishery', 'tea', 'stone', 'shoes', 'retail', 'transport',
        'construction', 'catering'], 'industry', no)) END AS industry,
    CASE WHEN NOT person THEN pick(['micro', 'micro', 'small', 'small', 'medium', 'large'], 'size', no) END
        AS company_size,
    CASE WHEN NOT person THEN since - 200 - CAST(draw('founded', no, 4000) AS INTEGER) END AS founded_on,
    CASE WHEN NOT person THEN pick(getvariable('surnames'), 'lr1', no) || pick(getvariable('given'), 'lr2', no)
        END AS legal_representative,
    CASE WHEN risk_in IS NOT NULL THEN 'R' || CAST(1 + draw('profile', no, 5) AS VARCHAR) END AS risk_profile,
    getvariable('as_of') + CAST(risk_in AS INTEGER) AS risk_profile_expires_on,
    status, home_branch_id, since AS customer_since, newcomer, document_in, risk_in,
    CASE WHEN no > getvariable('case_customers') AND draw('moved', no, 1000) < 5 THEN getvariable('from') + 1 + CAST(draw('moved on', no,
        getvariable('to') - getvariable('from')) AS INTEGER) END AS moved_on
FROM documents
JOIN branch AS b ON b.branch_id = home_branch_id;

-- One row per relation between two ordinary customers, or two cases.
CREATE OR REPLACE TABLE relation AS
WITH ranked AS (
    SELECT no, customer_type, row_number() OVER (PARTITION BY customer_type ORDER BY no) - 1 AS i
    FROM customer WHERE status = 'active' AND no > getvariable('case_customers')
), size AS (
    -- joined to the left side only: were the modulus of the right side, each pair would be tried
    SELECT count(*) FILTER (customer_type = 'individual') AS people,
        count(*) FILTER (customer_type = 'group') AS groups
    FROM ranked
), people AS (SELECT * FROM ranked WHERE customer_type = 'individual'),
firms AS (SELECT * FROM ranked WHERE customer_type = 'business'),
groups AS (SELECT * FROM ranked WHERE customer_type = 'group'),
pairs AS (
    SELECT p.no, q.no AS other, 'household_member' AS relation, NULL AS share
        FROM people AS p JOIN people AS q ON q.i = p.i + 1 WHERE p.i % 5 = 0
    UNION ALL SELECT p.no, q.no, 'household_member', NULL
        FROM people AS p JOIN people AS q ON q.i = p.i - 1 WHERE p.i % 5 = 1
    UNION ALL SELECT g.no, f.no, CASE WHEN f.i % 3 = 0 THEN 'subsidiary' ELSE 'group_member' END,
            CAST((10 + draw('share', f.no, 91)) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(9, 6))
        FROM (SELECT no, i, i % size.groups AS partner FROM firms, size) AS f
        JOIN groups AS g ON g.i = f.partner WHERE f.i % 2 = 0
    UNION ALL SELECT f.no, p.no, 'legal_representative', NULL
        FROM (SELECT no, (i * 13 + 7) % size.people AS partner FROM firms, size) AS f
        JOIN people AS p ON p.i = f.partner
    UNION ALL SELECT p.no, q.no, 'guarantor', NULL
        FROM (SELECT no, i, (i + 17) % size.people AS partner FROM people, size) AS p
        JOIN people AS q ON q.i = p.partner WHERE p.i % 50 = 3
)
SELECT DISTINCT ON (no, other, relation) customer_id(no) AS customer_id, customer_id(other) AS related_customer_id,
    relation, CAST(share AS DECIMAL(9, 6)) AS share, getvariable('from') - 50 AS effective_from,
    until AS effective_until
FROM (SELECT *, CAST(NULL AS DATE) AS until FROM pairs
      UNION ALL SELECT no, other, 'household_member', NULL, until FROM case_family)
WHERE no <> other
ORDER BY no, other, relation;
