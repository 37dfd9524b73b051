-- The planted reminders. For ordinary customers they are read off what was decided about them, for
-- cases off what the case says; birthdays, festivals, visits and maintenance of everybody off the
-- dates of birth, the key customers, the loans and the contacts.
CREATE OR REPLACE MACRO within(day, ahead) AS
    day > getvariable('as_of') AND day <= getvariable('as_of') + CAST(ahead AS INTEGER);
CREATE OR REPLACE MACRO of_month() AS 'month:' || strftime(getvariable('as_of'), '%Y-%m');
CREATE OR REPLACE MACRO next_month() AS last_day(getvariable('as_of')) + 1;

-- One row per reminder of an ordinary customer of which a thing of his falls due.
CREATE OR REPLACE TABLE ordinary_due AS
SELECT 'R02.LOAN_MATURES' AS rule_code, l.customer_id, 'loan:' || l.loan_id AS subject, l.matures_on AS due_on,
    l.amount - (l.n - l.remaining - l.unpaid) * (l.amount // l.n) AS cents, l.branch_id
FROM loan AS l WHERE NOT l.told AND l.due_in IS NOT NULL AND l.written_off_on IS NULL
  AND within(l.matures_on, getvariable('p_due_loan_days'))
UNION ALL
SELECT 'R02.REPAYMENT_DUE', l.customer_id, 'loan:' || l.loan_id, i.due_on, i.principal + i.interest, l.branch_id
FROM loan AS l JOIN instalment AS i USING (loan_id)
WHERE NOT l.told AND l.due_in IS NOT NULL AND l.written_off_on IS NULL AND within(i.due_on, getvariable('p_due_repayment_days'))
UNION ALL
SELECT 'R02.CARD_REPAYMENT_DUE', c.customer_id, 'card:' || c.card_id, s.due_on, s.cents, c.branch_id
FROM card AS c JOIN statement AS s USING (card_id)
WHERE NOT c.told AND s.statement_on <= getvariable('as_of') AND s.cents > 0
  AND within(s.due_on, getvariable('p_due_card_days'))
UNION ALL
SELECT 'R02.DEPOSIT_MATURES', customer_id(no), 'account:' || account_id(no, 3), matures_on, principal, branch_id
FROM time_deposit WHERE fate <> 'past' AND within(matures_on, getvariable('p_due_deposit_days'))
UNION ALL
SELECT 'R02.WEALTH_MATURES', customer_id(no), 'holding:' || holding_id(no, seq), matures_on, cents, branch_id
FROM holding WHERE fate NOT IN ('past', 'case') AND within(matures_on, getvariable('p_due_wealth_days'))
UNION ALL
SELECT 'R02.DOCUMENT_EXPIRES', customer_id, 'customer:' || customer_id, document_expires_on, NULL, NULL
FROM customer WHERE no > getvariable('case_customers') AND status = 'active'
    AND within(document_expires_on, getvariable('p_due_document_days'))
UNION ALL
SELECT 'R02.RISK_PROFILE_EXPIRES', customer_id, 'customer:' || customer_id, risk_profile_expires_on, NULL, NULL
FROM customer WHERE no > getvariable('case_customers') AND status = 'active'
    AND within(risk_profile_expires_on, getvariable('p_due_risk_profile_days'));

-- One row per loan of an ordinary customer that is behind on as_of.
CREATE OR REPLACE TABLE ordinary_overdue AS
SELECT v.* EXCLUDE (valid_from, valid_until, told)
FROM loan_version AS v
WHERE NOT v.told AND v.status = 'running' AND v.days_overdue > 0
  AND v.valid_from <= getvariable('as_of') AND v.valid_until > getvariable('as_of');

-- One row per customer whose loans are to be visited, with the visits of the month.
CREATE OR REPLACE TABLE visit_quota AS
SELECT l.customer_id, l.owed, (
        SELECT count(*) FROM contact AS v
        WHERE v.customer_id = l.customer_id AND v.channel = 'visit' AND coalesce(v.result, '') <> 'not_reached'
          AND v.day BETWEEN date_trunc('month', getvariable('as_of')) AND getvariable('as_of')) AS visits
FROM (SELECT customer_id, sum(balance) AS owed FROM loan_version
      WHERE status = 'running' AND valid_from <= getvariable('as_of') AND valid_until > getvariable('as_of')
      GROUP BY customer_id) AS l
JOIN customer AS c USING (customer_id)
WHERE c.status = 'active' AND l.owed >= money(getvariable('p_visits_min_loan_balance'));

-- One row per customer: his first birthday after as_of.
CREATE OR REPLACE TABLE birthday AS
SELECT customer_id, min(day) AS day
FROM (SELECT customer_id,
          make_date(y, month(birth_date),
              least(day(birth_date), day(last_day(make_date(y, month(birth_date), 1))))) AS day
      FROM customer, (SELECT year(getvariable('as_of')) + unnest([0, 1]) AS y) AS years
      WHERE customer_type = 'individual' AND status = 'active')
WHERE day > getvariable('as_of')
GROUP BY customer_id;

-- One row per reminder of the night of as_of.
CREATE OR REPLACE TABLE answer_due_reminders AS
WITH lead AS (
    SELECT customer_id, branch_id FROM answer_coverage WHERE role = 'lead'
), ordinary_reminder AS (
    SELECT rule_code, customer_id, subject, 'due:' || due_on AS occasion, due_on, money(cents) AS amount, branch_id
    FROM ordinary_due
    UNION ALL
    SELECT 'R03.ARREARS', customer_id, 'loan:' || loan_id, of_month(), next_month(), interest_arrears, branch_id
    FROM ordinary_overdue WHERE interest_arrears > 0
    UNION ALL
    SELECT 'R03.OVERDUE', customer_id, 'loan:' || loan_id,
        'since:' || (getvariable('as_of') - days_overdue) || ':' || getvariable('p_overdue_days'),
        getvariable('as_of') - days_overdue
            + CAST(getvariable('p_overdue_days') + getvariable('p_reminder_event_nights') AS INTEGER), balance, branch_id
    FROM ordinary_overdue
    WHERE days_overdue >= getvariable('p_overdue_days')
      AND days_overdue < getvariable('p_overdue_days') + getvariable('p_reminder_event_nights')
    UNION ALL
    SELECT 'R04.BIRTHDAY', customer_id, 'customer:' || customer_id, 'due:' || day, day, NULL, NULL
    FROM birthday WHERE within(day, getvariable('p_due_birthday_days'))
    UNION ALL
    SELECT 'R04.FESTIVAL', customer_id, 'customer:' || customer_id, 'festival:' || code || ':' || day, day, NULL, NULL
    FROM answer_key_customers,
        (SELECT unnest(getvariable('festival_codes')) AS code, unnest(getvariable('festival_days')) AS day) AS f
    WHERE key AND within(day, getvariable('p_due_festival_days'))
    UNION ALL
    SELECT 'R05.VISIT_QUOTA_NOT_MET', q.customer_id, 'customer:' || q.customer_id, of_month(), next_month(), q.owed,
        lead.branch_id
    FROM visit_quota AS q JOIN lead USING (customer_id)
    WHERE q.visits < getvariable('p_visits_per_month')
      AND last_day(getvariable('as_of')) - getvariable('as_of') <= getvariable('p_due_visit_quota_days')
    UNION ALL
    SELECT 'R05.NOT_MAINTAINED', k.customer_id, 'customer:' || k.customer_id, of_month(), next_month(), NULL,
        lead.branch_id
    FROM answer_key_customers AS k JOIN lead USING (customer_id)
    WHERE key AND NOT EXISTS (
        FROM contact AS c WHERE c.customer_id = k.customer_id AND c.channel IN ('visit', 'call')
            AND coalesce(c.result, '') <> 'not_reached' AND c.day <= getvariable('as_of')
            AND c.day > getvariable('as_of') - CAST(getvariable('p_maintenance_days') AS INTEGER))
)
SELECT r.rule_code, r.customer_id, r.subject, r.occasion AS "window", r.due_on, CAST(r.amount AS DECIMAL(18, 2)) AS amount,
    r.branch_id, coalesce(p."case", 'ordinary') AS "case"
FROM ordinary_reminder AS r LEFT JOIN planted AS p ON customer_id(p.no) = r.customer_id
UNION ALL
SELECT rule_code, customer_id(no), subject, "window", due_on, money(cents), branch_id, "case" FROM case_due;
