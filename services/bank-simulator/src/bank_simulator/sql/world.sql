-- One row per legal entity; its name is a county that does not exist, in the manner of Fujian.
CREATE OR REPLACE TABLE legal_entity AS
WITH names AS (
    SELECT a.zh || b.zh AS zh, a.en || b.en AS en,
        row_number() OVER (ORDER BY chance('county', a.zh || b.zh)) AS le_no
    FROM (VALUES ('永', 'Yong'), ('龙', 'Long'), ('清', 'Qing'), ('安', 'An'), ('宁', 'Ning'),
                 ('福', 'Fu'), ('南', 'Nan'), ('古', 'Gu'), ('云', 'Yun'), ('长', 'Chang')) AS a(zh, en),
         (VALUES ('洲', 'zhou'), ('霞', 'xia'), ('樟', 'zhang'), ('渡', 'du'), ('屿', 'yu'),
                 ('屏', 'ping'), ('澳', 'ao'), ('埕', 'cheng')) AS b(zh, en)
)
SELECT le_no, 'LE' || lpad(CAST(le_no AS VARCHAR), 3, '0') AS org_id, zh, en,
    5 + draw('branches', le_no, 4) AS branches,
    exp(0.7 * bell('entity', le_no)) AS weight
FROM names
WHERE le_no <= getvariable('entities');

-- One row per branch; `seq` counts from 0 inside the legal entity, in the order of the branch id.
CREATE OR REPLACE TABLE branch AS
WITH towns AS (
    SELECT a.zh || b.zh AS zh, a.en || b.en AS en,
        row_number() OVER (ORDER BY chance('town', a.zh || b.zh)) AS town_no, count(*) OVER () AS towns
    FROM (VALUES ('石', 'Shi'), ('湖', 'Hu'), ('官', 'Guan'), ('金', 'Jin'), ('青', 'Qing'),
                 ('凤', 'Feng'), ('新', 'Xin'), ('洋', 'Yang'), ('莲', 'Lian'), ('梅', 'Mei'),
                 ('白', 'Bai'), ('东', 'Dong')) AS a(zh, en),
         (VALUES ('桥', 'qiao'), ('头', 'tou'), ('坑', 'keng'), ('厝', 'cuo'), ('岭', 'ling'),
                 ('塘', 'tang'), ('墩', 'dun'), ('山', 'shan')) AS b(zh, en)
), seats AS (
    SELECT le.*, unnest(range(le.branches)) AS seq FROM legal_entity AS le
), numbered AS (
    SELECT *, row_number() OVER (ORDER BY le_no, seq) AS branch_no FROM seats
)
SELECT branch_no, le_no, seq, branches AS siblings, org_id AS parent_id,
    'BR' || lpad(CAST(le_no AS VARCHAR), 3, '0') || lpad(CAST(seq + 1 AS VARCHAR), 2, '0') AS branch_id,
    n.zh || '农商银行' || t.zh || '支行' AS name_zh,
    n.en || ' Rural Commercial Bank, ' || t.en || ' Branch' AS name_en,
    n.zh || '县' || t.zh || '镇' AS region,
    weight * exp(0.6 * bell('branch', branch_no)) / (1 + seq * 0.5) AS weight
FROM numbered AS n
JOIN towns AS t ON t.town_no = 1 + (branch_no * 7) % towns;

-- A wheel of about 4096 seats, so that large branches are drawn more often.
CREATE OR REPLACE TABLE wheel AS
WITH shares AS (
    SELECT branch_no, branch_id, le_no, seq,
        greatest(1, CAST(round(4096 * weight / sum(weight) OVER ()) AS BIGINT)) AS seats
    FROM branch
), seats AS (
    SELECT branch_no, branch_id, le_no, seq, unnest(range(seats)) AS seat FROM shares
)
SELECT row_number() OVER (ORDER BY branch_no, seat) - 1 AS seat_no, branch_no, branch_id, le_no, seq
FROM seats;
SET VARIABLE wheel_size = (SELECT count(*) FROM wheel);

-- One row per post: who works where, as what, from when until when.
CREATE OR REPLACE TABLE post AS
WITH size AS (
    SELECT b.*, CAST(clamp(round(getvariable('customers') * weight / sum(weight) OVER () / 450), 2, 12)
        AS BIGINT) AS managers
    FROM branch AS b
), branch_posts AS (
    SELECT branch_id AS org_id, 'branch_head' AS role, 1 AS n, NULL AS token FROM size
    UNION ALL SELECT branch_id, 'lobby_manager', 2, NULL FROM size
    UNION ALL SELECT branch_id, 'teller', 3, NULL FROM size
    UNION ALL SELECT branch_id, 'relationship_manager', 10 + i, 'm' || i
        FROM (SELECT branch_id, unnest(range(managers)) AS i FROM size)
    UNION ALL SELECT branch_id, 'relationship_manager', 40, 'left' FROM size
    UNION ALL SELECT branch_id, 'relationship_manager', 41, 'left_today' FROM size WHERE seq = 0
    UNION ALL SELECT branch_id, 'relationship_manager', 42, 'leaves_tomorrow' FROM size WHERE seq = 0
), posts AS (
    FROM branch_posts
    UNION ALL SELECT org_id, role, n, NULL FROM legal_entity,
        (VALUES ('checker', 51), ('checker', 52), ('campaign_maker', 53), ('data_analyst', 54)) AS r(role, n)
    UNION ALL SELECT 'UNION', role, n, NULL FROM
        (VALUES ('operations', 61), ('auditor', 62), ('system_administrator', 63), ('data_analyst', 64))
        AS r(role, n)
)
SELECT 'E-' || org_id || '-' || lpad(CAST(n AS VARCHAR), 2, '0') AS employee_id, org_id, role, token,
    getvariable('from') - CAST(200 + draw('hired', org_id || n, 5000) AS INTEGER) AS hired_on,
    CASE token
        WHEN 'left' THEN getvariable('as_of') - CAST(3 + draw('left', org_id, 25) AS INTEGER)
        WHEN 'left_today' THEN getvariable('as_of')
        WHEN 'leaves_tomorrow' THEN getvariable('as_of') + 1
    END AS left_on,
    pick(getvariable('surnames'), 'e1', org_id || n)
        || pick(getvariable('given'), 'e2', org_id || n) || pick(getvariable('given'), 'e3', org_id || n)
        AS name
FROM posts;

-- One row per branch and manager token; `m0`, `m1` … work there, `V` is the virtual manager.
CREATE OR REPLACE TABLE manager AS
SELECT org_id AS branch_id, token, employee_id AS manager_id FROM post WHERE token IS NOT NULL
UNION ALL SELECT branch_id, 'V', 'V:' || branch_id FROM branch;

CREATE OR REPLACE TABLE manager_count AS
SELECT branch_id, count(*) AS managers FROM manager
WHERE token LIKE 'm%' GROUP BY branch_id;
