-- One row per contact: at most one of class marketing per customer and calendar month, so that no
-- 30 days hold more than two. Visits and calls are made by the manager of the customer's branch.
CREATE OR REPLACE TABLE contact AS
WITH months AS (
    SELECT o.no, m, getvariable('m0')[m + 1] AS first_day, class, NULL AS campaign_id
    FROM ordinary AS o JOIN customer AS c USING (no),
        (SELECT unnest(range(getvariable('months'))) AS m) AS x,
        (VALUES ('service', 6), ('care', 3)) AS k(class, share)
    WHERE c.status = 'active' AND draw('contact ' || class, o.no * 64 + m, 100) < share
        AND c.customer_since < getvariable('m0')[m + 1]
    UNION ALL
    SELECT no, m, first_day, 'marketing', campaign_id FROM campaign_target WHERE lot < 25 AND NOT is_control
), made AS (
    SELECT *, first_day + CAST(draw('contact day' || class, no * 64 + m, 28) AS INTEGER) AS day,
        draw('contact at' || class, no * 64 + m, 32400) + 32400 AS seconds
    FROM months
), every_contact AS (
    SELECT m.no, day, seconds, class, campaign_id, d.manager_id,
        pick(['sms', 'sms', 'call', 'visit', 'app', 'wechat', 'counter'], 'contact channel', m.no * 100000 + seconds)
            AS channel,
        pick(['reached', 'reached', 'not_reached', 'interested', 'refused'], 'result', m.no * 100000 + seconds) AS result
    FROM made AS m JOIN ordinary AS o USING (no)
    LEFT JOIN decided AS d ON d.no = m.no AND d.branch_id = o.main_branch AND d.via = 'assigned'
    UNION ALL
    SELECT no, day, seconds, contact_class, campaign, NULL, channel, result
    FROM case_contact
)
SELECT day, row_number() OVER (ORDER BY day, no, seconds, class, channel) AS contact_id, customer_id(no) AS customer_id,
    campaign_id, channel, class AS contact_class, instant(day, seconds) AS contacted_at, result,
    CASE WHEN channel IN ('visit', 'call') THEN manager_id END AS employee_id
FROM every_contact WHERE day BETWEEN getvariable('from') AND getvariable('to');
