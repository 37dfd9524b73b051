-- Truths about ordinary money, kept by construction (amounts in cents):
-- * a customer who is not rich never holds 500,000 yuan: balances stop at `cap`, what is above is
--   swept out at the start of a month, and time deposits, loans and salaries are small;
-- * a rich one always holds a time deposit of 1.2 times what makes a key customer, or more;
-- * a second branch never holds a third of what the main one holds: `floor` stays untouched.

-- One row per time deposit or certificate of an ordinary customer.
-- fate: soon, later (matures that many days after as_of), past (closed at maturity), opened (in the period)
CREATE OR REPLACE TABLE time_deposit AS
WITH drawn AS (
    SELECT no, main_branch, rich, customer_type,
        CASE
            WHEN rich THEN CASE WHEN draw('fate', no, 100) < 8 THEN 'soon' ELSE 'later' END
            WHEN draw('fate', no, 100) < 4 THEN 'soon'
            WHEN draw('fate', no, 100) < 60 THEN 'later'
            WHEN draw('fate', no, 100) < 85 THEN 'past' ELSE 'opened' END AS fate,
        CASE WHEN rich THEN clamp(lognormal_cents('time', no, 900000, 0.6),
                 getvariable('p_key_customer_min_deposit_average') * 12 // 10, 1000000000)
             ELSE clamp(lognormal_cents('time', no, 20000, 0.7), 100000, 8000000) END AS principal
    FROM ordinary
    WHERE kind IN ('single', 'two') AND NOT newcomer AND (rich OR draw('has time', no, 1000) < least(inclined(260, 0.5, no), 900))
), placed AS (
    SELECT *,
        CASE fate
            WHEN 'soon' THEN getvariable('as_of') + 1 + CAST(draw('soon', no, 12) AS INTEGER)
            WHEN 'later' THEN getvariable('as_of') + 20 + CAST(draw('later', no, 680) AS INTEGER)
            WHEN 'past' THEN getvariable('from') + 5 + CAST(draw('past', no, getvariable('span') - 10) AS INTEGER)
        END AS ends_on,
        getvariable('from') + 3 + CAST(draw('opened', no, getvariable('span') - 45) AS INTEGER) AS starts_on
    FROM drawn
), termed AS (
    SELECT *, CASE WHEN fate = 'opened' THEN
            CASE WHEN CAST(starts_on + INTERVAL 12 MONTH AS DATE) >= getvariable('as_of') + 20 THEN 12
                 WHEN CAST(starts_on + INTERVAL 24 MONTH AS DATE) >= getvariable('as_of') + 20 THEN 24 ELSE 60 END
        ELSE
            CASE WHEN CAST(ends_on - INTERVAL 12 MONTH AS DATE) < getvariable('from') - 5 THEN 12
                 WHEN CAST(ends_on - INTERVAL 24 MONTH AS DATE) < getvariable('from') - 5 THEN 24
                 WHEN CAST(ends_on - INTERVAL 36 MONTH AS DATE) < getvariable('from') - 5 THEN 36 ELSE 60 END
        END AS term_months
    FROM placed
)
SELECT no, main_branch AS branch_id, rich, fate, term_months,
    CASE WHEN fate = 'opened' THEN least(principal, 5000000) ELSE principal END AS principal,
    CASE WHEN draw('certificate', no, 100) < 12 THEN 'certificate' ELSE 'time' END AS product,
    CASE WHEN fate = 'opened' THEN starts_on
         ELSE CAST(ends_on - to_months(term_months) AS DATE) END AS opened_on,
    CASE WHEN fate = 'opened' THEN CAST(starts_on + to_months(term_months) AS DATE)
         ELSE ends_on END AS matures_on,
    CASE WHEN fate = 'past' THEN ends_on END AS closed_on
FROM termed;

-- One row per deposit account. role: main, second, time, closing (a spare account that is given up), case
CREATE OR REPLACE TABLE account AS
WITH mains AS (
    SELECT *,
        CASE WHEN rich THEN clamp(lognormal_cents('opening', no, 80000, 0.8), 2000000, 200000000)
             WHEN customer_type = 'individual' THEN clamp(lognormal_cents('opening', no, 8000, 1.2), 5000, 10000000)
             ELSE clamp(lognormal_cents('opening', no, 40000, 1.0), 200000, 10000000) END AS drawn,
        CASE WHEN kind = 'two' THEN 10000 + draw('second', no, 790) * 1000 ELSE 0 END AS second_cents,
        CASE WHEN customer_type = 'individual' THEN
                 CASE WHEN activity(no) < 25 THEN 1 WHEN activity(no) < 58 THEN 4
                      WHEN activity(no) < 83 THEN 9 WHEN activity(no) < 95 THEN 15
                      ELSE 26 END
             ELSE CASE WHEN activity(no) < 50 THEN 8 ELSE 24 END END AS bookings
    FROM ordinary WHERE kind IN ('single', 'two')
), main AS (
    SELECT no, 1 AS seq, main_branch AS branch_id, 'main' AS role, 'demand' AS product, NULL AS term_months,
        CASE WHEN newcomer THEN c.customer_since
             ELSE c.customer_since + CAST(draw('first account', no, 60) AS INTEGER) END AS opened_on,
        NULL AS matures_on, NULL AS closed_on,
        greatest(drawn, 5 * second_cents) AS target, newcomer, bookings, second_cents * 4 AS floor_cents,
        rich, customer_type
    FROM mains JOIN (SELECT no, customer_since FROM customer) AS c USING (no)
), everything AS (
    SELECT no, seq, branch_id, role, product, term_months, opened_on, matures_on, closed_on,
        CASE WHEN newcomer THEN 0 ELSE target END AS opening, target, bookings, floor_cents, rich, customer_type
    FROM main
    UNION ALL
    SELECT no, 2, second_branch, 'second', 'demand', NULL,
        getvariable('from') - 60 - CAST(draw('second since', no, 2000) AS INTEGER), NULL, NULL,
        second_cents, second_cents, 0, 0, rich, customer_type
    FROM mains WHERE kind = 'two'
    UNION ALL
    SELECT no, 3, branch_id, 'time', product, term_months, opened_on, matures_on, closed_on,
        CASE WHEN fate = 'opened' THEN 0 ELSE principal END, principal, 0, 0, rich, ''
    FROM time_deposit
    UNION ALL
    SELECT no, 6, main_branch, 'closing', 'demand', NULL, getvariable('from') - 400, NULL,
        getvariable('from') + 5 + CAST(draw('closing', no, getvariable('span') - 10) AS INTEGER),
        10000 + draw('closing sum', no, 1000000), 0, 0, 0, rich, customer_type
    FROM mains WHERE kind = 'single' AND NOT newcomer AND draw('gives up', no, 1000) < 15
    UNION ALL
    SELECT no, seq, branch_id, 'case', product, NULL, opened_on, matures_on, closed_on,
        opening, 0, 0, 0, false, ''
    FROM case_account
)
SELECT no, seq, account_id(no, seq) AS account_id, customer_id(no) AS customer_id, branch_id, role, product,
    CAST(term_months AS INTEGER) AS term_months, CAST(opened_on AS DATE) AS opened_on,
    CAST(matures_on AS DATE) AS matures_on, CAST(closed_on AS DATE) AS closed_on,
    CAST(CASE product WHEN 'demand' THEN 0.0005 WHEN 'time' THEN 0.0135 ELSE 0.0175 END AS DECIMAL(9, 6)) AS rate,
    CAST(opening AS BIGINT) AS opening, CAST(target AS BIGINT) AS target, bookings,
    CAST(floor_cents AS BIGINT) AS floor_cents, rich, customer_type,
    -- turnover of a month, and the balance at which ordinary credits stop
    CAST(CASE WHEN role <> 'main' THEN 0
        WHEN rich AND customer_type = 'individual' THEN clamp(target * (20 + draw('turn', no, 60)) // 100, 10000, 15000000)
        WHEN rich THEN clamp(target * (30 + draw('turn', no, 90)) // 100, 10000, 40000000)
        ELSE clamp(target * (20 + draw('turn', no, 70)) // 100, 10000, 6000000) END AS BIGINT) AS turnover,
    CASE WHEN rich THEN 1000000000000 ELSE 15000000 END AS cap,
    -- from 0, for accounts between which people pay each other
    CASE WHEN role = 'main' AND opening > 0 THEN row_number() OVER (
        PARTITION BY role = 'main' AND opening > 0 ORDER BY no) - 1 END AS place
FROM everything;
SET VARIABLE places = (SELECT count(place) FROM account);
