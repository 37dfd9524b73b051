, lead AS (SELECT customer_id, branch_id FROM planted_coverage WHERE role = 'lead'),
unpaid AS (
    SELECT customer_id, branch_id, card_id, due_on, sum(amount) AS amount FROM @card_statements JOIN card USING (card_id)
    WHERE paid_on IS NULL OR paid_on > $day GROUP BY ALL HAVING sum(amount) > 0
), own_visit AS (
    SELECT customer_id, count(*) AS visits FROM contact
    WHERE channel = 'visit' AND coalesce(result <> 'not_reached', true) AND day >= date_trunc('month', $day) GROUP BY 1
), maintained AS (
    SELECT customer_id FROM contact
    WHERE channel IN ('visit', 'call') AND coalesce(result <> 'not_reached', true) AND day > $day - {maintenance.days}
), first_business AS (
    SELECT customer_id, min(day) AS day FROM (
        SELECT customer_id, opened_on AS day FROM account UNION ALL SELECT customer_id, granted_on FROM loan
        UNION ALL SELECT customer_id, issued_on FROM @credit_cards WHERE card_type = 'credit'
        UNION ALL SELECT customer_id, bought_on FROM @wealth_holdings)
    WHERE day <= $day GROUP BY 1
), birthday AS (
    SELECT customer_id, min(CASE WHEN month(birth_date) = 2 AND day(birth_date) = 29 AND NOT (y % 4 = 0 AND y % 100 <> 0)
        THEN make_date(y, 2, 28) ELSE make_date(y, month(birth_date), day(birth_date)) END) AS day
    FROM active, (SELECT unnest([year($day), year($day) + 1]) AS y) AS years
    WHERE birth_date IS NOT NULL AND strftime(birth_date, '%m-%d') > CASE WHEN y > year($day) THEN '' ELSE
        CASE WHEN strftime(birth_date, '%m-%d') = '02-29' AND NOT (y % 4 = 0 AND y % 100 <> 0) AND month($day) = 2
            AND day($day) = 28 THEN '03' ELSE strftime($day, '%m-%d') END END
    GROUP BY 1
), reminder AS (
    SELECT 'R02.LOAN_MATURES' AS rule_code, {due.loan_days} AS ahead, customer_id, 'loan:' || loan_id AS subject,
        'due:' || matures_on AS occasion, matures_on AS due_on, balance AS amount, branch_id FROM running
    UNION ALL
    SELECT 'R02.REPAYMENT_DUE', {due.repayment_days}, customer_id, 'loan:' || loan_id, 'due:' || due_on, due_on,
        principal + interest, branch_id
    FROM @loan_schedules JOIN running USING (loan_id) WHERE paid_on IS NULL
    UNION ALL
    SELECT 'R02.CARD_REPAYMENT_DUE', {due.card_days}, customer_id, 'card:' || card_id, 'due:' || due_on, due_on, amount,
        branch_id FROM unpaid
    UNION ALL
    SELECT 'R02.DEPOSIT_MATURES', {due.deposit_days}, o.customer_id, 'account:' || account_id, 'due:' || matures_on,
        matures_on, balance, branch_id
    FROM is_open AS o JOIN @balances USING (account_id) WHERE product <> 'demand'
    UNION ALL
    SELECT 'R02.WEALTH_MATURES', {due.wealth_days}, customer_id, 'holding:' || holding_id, 'due:' || matures_on,
        matures_on, amount, branch_id FROM held
    UNION ALL
    SELECT 'R02.DOCUMENT_EXPIRES', {due.document_days}, customer_id, 'customer:' || customer_id,
        'due:' || document_expires_on, document_expires_on, NULL, NULL FROM active
    UNION ALL
    SELECT 'R02.RISK_PROFILE_EXPIRES', {due.risk_profile_days}, customer_id, 'customer:' || customer_id,
        'due:' || risk_profile_expires_on, risk_profile_expires_on, NULL, NULL FROM active WHERE risk_profile IS NOT NULL
    UNION ALL
    SELECT 'R03.ARREARS', 99, customer_id, 'loan:' || loan_id, 'month:' || strftime($day, '%Y-%m'),
        last_day($day) + 1, interest_arrears, branch_id FROM running WHERE interest_arrears > 0
    UNION ALL
    SELECT 'R03.OVERDUE', 99, customer_id, 'loan:' || loan_id,
        'since:' || ($day - days_overdue) || ':' || {overdue.days},
        $day - days_overdue + {overdue.days} + {reminder.event_nights}, balance, branch_id
    FROM running
    WHERE days_overdue >= {overdue.days} AND days_overdue < {overdue.days} + {reminder.event_nights}
    UNION ALL
    SELECT 'R03.CARD_OVERDUE', {overdue.card_nights}, customer_id, 'card:' || card_id, 'due:' || due_on,
        due_on + {overdue.card_nights} + 1, amount, branch_id FROM unpaid WHERE due_on < $day
    UNION ALL
    SELECT 'R04.BIRTHDAY', {due.birthday_days}, customer_id, 'customer:' || customer_id, 'due:' || day, day, NULL, NULL
    FROM birthday
    UNION ALL
    SELECT 'R04.FESTIVAL', {due.festival_days}, customer_id, 'customer:' || customer_id, 'festival:' || code || ':' || f.day,
        f.day, NULL, NULL
    FROM key_customer, (VALUES ('spring_festival', DATE '2026-02-17'), ('spring_festival', DATE '2028-01-26'),
        ('dragon_boat', DATE '2026-06-19'), ('new_year', DATE '2026-01-01')) AS f(code, day)
    UNION ALL
    SELECT 'R04.PROSPECT_CONVERTED', 99, customer_id, 'customer:' || customer_id, 'on:' || f.day,
        f.day + {reminder.event_nights}, NULL, NULL
    FROM first_business AS f JOIN active USING (customer_id)
    WHERE f.day > $day - {reminder.event_nights} AND customer_since < f.day
    UNION ALL
    SELECT 'R05.VISIT_QUOTA_NOT_MET', 99, customer_id, 'customer:' || customer_id, 'month:' || strftime($day, '%Y-%m'),
        last_day($day) + 1, owed, branch_id
    FROM credit JOIN lead USING (customer_id) LEFT JOIN own_visit USING (customer_id)
    WHERE owed >= {visits.min_loan_balance} AND coalesce(visits, 0) < {visits.per_month}
        AND last_day($day) - $day <= {due.visit_quota_days}
    UNION ALL
    SELECT 'R05.NOT_MAINTAINED', 99, customer_id, 'customer:' || customer_id, 'month:' || strftime($day, '%Y-%m'),
        last_day($day) + 1, NULL, branch_id
    FROM key_customer JOIN lead USING (customer_id) WHERE customer_id NOT IN (SELECT customer_id FROM maintained)
)
SELECT rule_code, customer_id, subject, occasion, due_on, amount, branch_id
FROM reminder JOIN (SELECT customer_id FROM active) USING (customer_id)
WHERE due_on > $day AND due_on <= $day + ahead
