-- One row per campaign, three a month.
CREATE OR REPLACE TABLE v_campaigns AS
SELECT 1 + i AS campaign_id, CASE WHEN i % 3 = 0 THEN 'UNION' ELSE le.org_id END AS org_id,
    strftime(starts_on, '%Y年%m月') || ['存款', '理财', '信用卡', '贷款', '手机银行'][1 + i % 5] || '营销活动' AS name,
    ['deposit', 'wealth', 'card', 'loan', 'mobile'][1 + i % 5] AS product, starts_on,
    starts_on + 28 AS ends_on, born(starts_on) AS valid_from, forever() AS valid_until
FROM (SELECT i, getvariable('m0')[1 + i // 3] AS starts_on FROM range(getvariable('months') * 3) AS r(i)) AS c
JOIN legal_entity AS le ON le.le_no = 1 + i % getvariable('entities')
WHERE starts_on <= getvariable('to');

-- One row per campaign and ordinary customer on its list: at most one list a month. A tenth is held
-- back as control, by a hash that anybody can recompute; of the others five in six are contacted.
CREATE OR REPLACE TABLE campaign_target AS
WITH listed AS (
    SELECT o.no, m, o.main_branch, 1 + m * 3 + o.no % 3 AS campaign_id, getvariable('m0')[m + 1] AS first_day,
        draw('contact marketing', o.no * 64 + m, 100) AS lot
    FROM ordinary AS o JOIN customer AS c USING (no), (SELECT unnest(range(getvariable('months'))) AS m) AS x
    WHERE c.status = 'active' AND c.customer_since < getvariable('m0')[m + 1]
        AND draw('contact marketing', o.no * 64 + m, 100) < 30
)
SELECT born(first_day) AS day, campaign_id, customer_id(l.no) AS customer_id, l.main_branch AS branch_id,
    CASE WHEN d.via = 'assigned' THEN d.manager_id END AS manager_id,
    CAST('0x' || left(md5(campaign_id || '|' || customer_id(l.no)), 7) AS INTEGER) % 100 < 10 AS is_control,
    born(first_day) AS listed_on, l.no, m, lot, first_day
FROM listed AS l JOIN decided AS d ON d.no = l.no AND d.branch_id = l.main_branch
WHERE first_day <= getvariable('to');

-- One row per ordinary customer who signs mobile banking in a campaign for it: of those contacted a
-- third does, of the others one in twelve. So the contact has an effect that can be measured.
CREATE OR REPLACE TABLE persuaded AS
SELECT t.no, min(t.day + 3 + CAST(draw('persuaded on', t.no, 24) AS INTEGER)) AS day
FROM campaign_target AS t JOIN v_campaigns AS c USING (campaign_id)
WHERE c.product = 'mobile'
  AND draw('persuaded', t.no * 64 + t.m, 100) < CASE WHEN t.lot < 25 AND NOT t.is_control THEN 33 ELSE 8 END
GROUP BY t.no;
