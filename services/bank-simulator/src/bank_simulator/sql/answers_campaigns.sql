-- The evaluation of every campaign on as_of, from who was listed, contacted, and opened what.
CREATE OR REPLACE MACRO wilson(x, n, sign) AS
    (x / n + 1.959963984540054 ^ 2 / (2 * n) + sign * 1.959963984540054
        * sqrt(x / n * (1 - x / n) / n + 1.959963984540054 ^ 2 / (4 * n ^ 2))) / (1 + 1.959963984540054 ^ 2 / n);

-- One row per product that an ordinary customer opened.
CREATE OR REPLACE TABLE opened AS
SELECT no, 'deposit' AS product, opened_on AS day,
    CASE WHEN closed_on <= getvariable('as_of') THEN 0 ELSE target END AS cents
FROM account WHERE role = 'time'
UNION ALL SELECT no, 'loan', granted_on, amount FROM loan WHERE NOT told
UNION ALL SELECT no, 'card', issued_on, coalesce(credit_limit, 0) FROM card WHERE NOT told AND card_type = 'credit'
UNION ALL SELECT no, 'wealth', bought_on, cents FROM holding WHERE fate <> 'case'
UNION ALL SELECT DISTINCT customer_id - customer_id(0), 'mobile', signed_on, 0 FROM v_digital_channels
    WHERE channel = 'mobile';

-- One row per campaign and listed customer: what became of him.
CREATE OR REPLACE TABLE target_outcome AS
WITH running AS (
    SELECT campaign_id, product, starts_on, least(ends_on, getvariable('as_of')) AS contacts_until,
        least(ends_on + CAST(getvariable('p_campaign_response_days') AS INTEGER), getvariable('as_of')) AS until
    FROM v_campaigns
    WHERE starts_on <= getvariable('as_of')
      AND starts_on > getvariable('as_of') - CAST(getvariable('p_campaign_days_back') AS INTEGER)
), target AS (
    SELECT r.*, t.no, t.customer_id, t.is_control FROM running AS r JOIN campaign_target AS t USING (campaign_id)
    WHERE t.listed_on <= getvariable('as_of')
), touched AS (
    SELECT t.campaign_id, t.no, count(*) AS contacts, min(c.day) AS first_on,
        bool_or(c.result <> 'not_reached') AS reached,
        bool_or(c.result IN ('interested', 'accepted', 'sold')) AS interested,
        sum(CASE c.channel WHEN 'sms' THEN getvariable('p_campaign_cost_sms') WHEN 'call' THEN getvariable('p_campaign_cost_call')
            WHEN 'visit' THEN getvariable('p_campaign_cost_visit') WHEN 'app' THEN getvariable('p_campaign_cost_app')
            WHEN 'wechat' THEN getvariable('p_campaign_cost_wechat') WHEN 'mail' THEN getvariable('p_campaign_cost_mail')
            ELSE getvariable('p_campaign_cost_counter') END) AS cost
    FROM target AS t JOIN contact AS c ON c.customer_id = t.customer_id AND c.campaign_id = t.campaign_id
    WHERE NOT t.is_control AND c.contact_class = 'marketing' AND c.day BETWEEN t.starts_on AND t.contacts_until
    GROUP BY ALL
), bought AS (
    SELECT t.campaign_id, t.no, sum(o.cents) FILTER (o.day BETWEEN t.starts_on AND t.until) AS cents,
        bool_or(o.day BETWEEN t.starts_on AND t.until) AS converted,
        coalesce(bool_or(o.day BETWEEN x.first_on AND least(
            x.first_on + CAST(getvariable('p_campaign_response_days') AS INTEGER), getvariable('as_of'))), false) AS followed
    FROM target AS t LEFT JOIN touched AS x USING (campaign_id, no)
    JOIN opened AS o ON o.no = t.no AND o.product = t.product
    GROUP BY ALL
)
SELECT t.campaign_id, t.no, t.is_control, coalesce(x.contacts, 0) AS contacts, coalesce(x.cost, 0) AS cost,
    coalesce(x.reached, false) AS reached, coalesce(x.interested, false) AS interested,
    coalesce(b.converted, false) AS converted, coalesce(b.cents, 0) AS cents,
    coalesce(x.contacts > 0 AND (x.interested OR b.followed), false) AS responded
FROM target AS t LEFT JOIN touched AS x USING (campaign_id, no) LEFT JOIN bought AS b USING (campaign_id, no);

-- One row per campaign.
CREATE OR REPLACE TABLE answer_campaigns AS
WITH counted AS (
    SELECT campaign_id, count(*) FILTER (NOT is_control) AS listed, count(*) FILTER (is_control) AS control,
        count(*) FILTER (contacts > 0) AS contacted, count(*) FILTER (reached) AS reached,
        count(*) FILTER (interested) AS interested, count(*) FILTER (responded) AS responded,
        count(*) FILTER (converted AND NOT is_control) AS converted,
        count(*) FILTER (converted AND is_control) AS control_converted,
        money(coalesce(sum(cents) FILTER (NOT is_control), 0)::BIGINT) AS amount, sum(contacts)::BIGINT AS contacts,
        money(sum(cost)::BIGINT) AS cost
    FROM target_outcome GROUP BY campaign_id
), bounds AS (
    SELECT *, CASE WHEN listed > 0 THEN converted / listed END AS p1, CASE WHEN control > 0 THEN control_converted / control END AS p0,
        CASE WHEN listed > 0 THEN wilson(converted, listed, -1) END AS l1,
        CASE WHEN listed > 0 THEN wilson(converted, listed, 1) END AS u1,
        CASE WHEN control > 0 THEN wilson(control_converted, control, -1) END AS l0,
        CASE WHEN control > 0 THEN wilson(control_converted, control, 1) END AS u0
    FROM counted
)
SELECT * EXCLUDE (p1, p0, l1, u1, l0, u0),
    round(CASE WHEN contacted > 0 THEN responded / contacted END, 6) AS response_rate,
    round(p1, 6) AS conversion, round(l1, 6) AS conversion_low, round(u1, 6) AS conversion_high,
    round(p0, 6) AS control_conversion, round(p1 - p0, 6) AS uplift,
    round(p1 - p0 - sqrt((p1 - l1) ^ 2 + (u0 - p0) ^ 2), 6) AS uplift_low,
    round(p1 - p0 + sqrt((u1 - p1) ^ 2 + (p0 - l0) ^ 2), 6) AS uplift_high, 'ordinary' AS "case"
FROM bounds;
