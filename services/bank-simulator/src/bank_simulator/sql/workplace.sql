-- What the OCRM tells: private managers of key customers, and reminders that came to their end; and
-- the answers, which are read off what is decided here.

-- One row per customer to whom a private manager was assigned: some whose manager is gone, whose
-- assignment has ended or begins tomorrow, and some who are no key customers.
CREATE OR REPLACE TABLE private_assignment AS
SELECT l.customer_id, m.manager_id, k.customer_id IS NOT NULL AND d.lot < 6 AS holds,
    getvariable('as_of') + CAST(CASE WHEN d.lot = 8 THEN 1 ELSE -20 END AS INTEGER) AS assigned_on,
    CASE WHEN d.lot = 6 THEN getvariable('as_of') END AS ended_on
FROM answer_coverage AS l
LEFT JOIN (FROM answer_key_customers WHERE "key") AS k USING (customer_id)
JOIN (SELECT customer_id, draw('private', customer_id, 10) AS lot, draw('no key', customer_id, 40) AS other
      FROM customer) AS d USING (customer_id)
JOIN manager AS m ON m.branch_id = l.branch_id AND m.token = CASE WHEN d.lot = 7 THEN 'left' ELSE 'm0' END
WHERE l.role = 'lead' AND CASE WHEN k.customer_id IS NULL THEN d.other = 0 ELSE d.lot < 9 END;

CREATE OR REPLACE TABLE v_private_managers AS
SELECT p.customer_id, manager_id, assigned_on, ended_on,
    born(greatest(least(p.assigned_on, getvariable('as_of')), c.customer_since)) AS valid_from, forever() AS valid_until
FROM private_assignment AS p JOIN customer AS c USING (customer_id);

CREATE OR REPLACE TABLE answer_private_managers AS
SELECT a.customer_id, a.manager_id, coalesce(p."case", 'ordinary') AS "case"
FROM private_assignment AS a LEFT JOIN planted AS p ON customer_id(p.no) = a.customer_id
WHERE a.holds;

-- One row per reminder that was done or expired within 60 days, with whoever leads the customer.
CREATE OR REPLACE TABLE reminder_outcome AS
WITH drawn AS (
    SELECT l.customer_id, l.branch_id, l.manager_id, l.customer_id * 2 + i AS place, c.customer_since
    FROM answer_coverage AS l JOIN customer AS c USING (customer_id), (SELECT unnest([0, 1]) AS i) AS twice
    WHERE l.role = 'lead'
), ended AS (
    SELECT *, getvariable('to') - CAST(draw('ended on', place, 60) AS INTEGER) AS day,
        draw('is done', place, 100) < 72 AS is_done
    FROM drawn WHERE draw('reminded', place, 10) < 4
)
SELECT day, CAST(CAST(md5('reminder' || place) AS UUID) AS VARCHAR) AS reminder_id,
    pick(['R02.LOAN_MATURES', 'R02.DEPOSIT_MATURES', 'R04.BIRTHDAY', 'R05.NOT_MAINTAINED'], 'reminder rule', place)
        AS rule_code,
    customer_id, branch_id, manager_id, instant(day, 32400 + draw('ended at', place, 28800)) AS ended_at,
    CAST(5 + draw('minutes open', place, 14400) AS INTEGER) AS minutes_open,
    CASE WHEN is_done THEN 'done' ELSE 'expired' END AS state,
    CASE WHEN is_done THEN pick(['interested', 'sold', 'resolved', 'not_interested', 'not_reached', 'other'],
        'outcome', place) END AS outcome
FROM ended WHERE day >= born(customer_since);

CREATE OR REPLACE TABLE answer_reminder_handling AS
WITH spans AS (
    SELECT *, state = 'done' AS is_done, day >= date_trunc('month', getvariable('as_of')) AS of_month,
        day > getvariable('as_of') - 30 AS of_days
    FROM reminder_outcome WHERE day <= getvariable('as_of')
)
SELECT branch_id, manager_id, count(*) FILTER (of_month) AS ended_m, count(*) FILTER (of_month AND is_done) AS done_m,
    count(*) FILTER (of_days) AS ended_30d, count(*) FILTER (of_days AND is_done) AS done_30d, 'ordinary' AS "case"
FROM spans WHERE of_month OR of_days GROUP BY branch_id, manager_id;
