, idle AS (
    SELECT customer_id, account_id FROM daily JOIN is_open USING (customer_id, account_id)
    WHERE is_open.product = 'demand' AND day > $day - {potential.idle_days}
    GROUP BY ALL
    HAVING count(*) = {potential.idle_days} AND min(balance) >= {potential.idle_balance}
), pay AS (
    SELECT account_id, customer_id, day, sum(amount) AS paid FROM booking
    WHERE txn_type = 'payroll' AND direction = 'credit' AND day > $day - {potential.flow_days} GROUP BY ALL
), recent AS (
    SELECT * FROM booking WHERE day > $day - {potential.flow_days}
), flow AS (
    SELECT customer_id, coalesce(sum(amount) FILTER (direction = 'debit'), 0) AS gone,
        coalesce(sum(amount) FILTER (direction = 'credit'), 0) AS come
    FROM recent WHERE counterparty_bank IS NOT NULL GROUP BY customer_id
), late AS (
    SELECT card_id FROM @card_statements
    WHERE amount > 0 AND statement_on <= $day AND statement_on > $day - INTERVAL {potential.punctual_months} MONTH
        AND (paid_on > due_on OR paid_on IS NULL AND due_on < $day)
), family AS (
    SELECT customer_id AS one, related_customer_id AS other FROM @customer_relations
    WHERE relation = 'household_member' AND effective_from <= $day AND coalesce(effective_until > $day, true)
), tag AS (
    SELECT customer_id, 'T01/IDLE_DEMAND' AS name FROM idle
    UNION ALL SELECT customer_id, 'T01/TIME_MATURING' FROM is_open
        WHERE product <> 'demand' AND matures_on > $day AND matures_on <= $day + {potential.time_days}
    UNION ALL SELECT customer_id, 'T01/PAYROLL_MOVED' FROM pay
        WHERE 100 * (SELECT sum(amount) FROM booking AS b WHERE b.account_id = pay.account_id AND direction = 'debit'
            AND counterparty_bank IS NOT NULL AND b.day BETWEEN pay.day AND pay.day + 1)
            >= {potential.payroll_moved_pct} * paid
    UNION ALL SELECT customer_id, 'T01/NET_OUT' FROM flow WHERE gone > come AND gone >= {potential.other_bank_out_min}
    UNION ALL SELECT customer_id, 'T01/PROCEEDS' FROM recent WHERE direction = 'credit'
        AND txn_type IN ('land_compensation', 'property_sale') AND amount >= {potential.proceeds_min}
    UNION ALL SELECT customer_id, 'T02/LINE_UNUSED' FROM running
        WHERE credit_line >= {potential.line_min} AND balance = 0
    UNION ALL SELECT customer_id, 'T02/SETTLED_CLEAN' FROM loan WHERE status = 'settled' AND last_overdue_on IS NULL
        AND settled_on <= $day AND settled_on > $day - {potential.settled_days}
        AND customer_id NOT IN (SELECT customer_id FROM running)
    UNION ALL SELECT customer_id, 'T02/MERCHANT_TURNOVER' FROM booking
        WHERE txn_type = 'acquiring' AND direction = 'credit' AND day > $day - {potential.turnover_days}
            AND customer_id IN (SELECT customer_id FROM merchant)
            AND customer_id NOT IN (SELECT customer_id FROM running)
        GROUP BY customer_id HAVING sum(amount) >= {potential.turnover_min}
    UNION ALL SELECT customer_id, 'T02/MORTGAGE_YEARS' FROM running WHERE product = 'mortgage'
        AND granted_on <= $day - INTERVAL {potential.mortgage_years} YEAR AND last_overdue_on IS NULL
        AND coalesce(interest_arrears, 0) = 0 AND coalesce(days_overdue, 0) = 0
    UNION ALL SELECT customer_id, 'T02/SEASONAL' FROM active JOIN loan USING (customer_id)
        WHERE (occupation IN ('farmer', 'fisher', 'trader', 'self_employed')
                OR industry IN ('agriculture', 'fishery', 'tea', 'retail', 'catering'))
            AND granted_on > $day - INTERVAL 1 YEAR
            AND granted_on <= $day - INTERVAL 1 YEAR + INTERVAL {potential.seasonal_days} DAY
            AND customer_id NOT IN (SELECT customer_id FROM running)
    UNION ALL SELECT customer_id, 'T03/PAYROLL_NO_CARD' FROM @payroll_members
        WHERE effective_from <= $day AND coalesce(effective_until > $day, true)
            AND customer_id NOT IN (SELECT customer_id FROM card)
    UNION ALL SELECT customer_id, 'T03/DEBIT_SPEND' FROM recent WHERE txn_type = 'purchase' AND direction = 'debit'
            AND customer_id NOT IN (SELECT customer_id FROM card)
        GROUP BY customer_id HAVING sum(amount) >= {potential.spend_min}
    UNION ALL SELECT customer_id, 'T03/LIMIT_UP' FROM card WHERE credit_limit > 0
        AND 100 * balance >= {potential.utilisation_pct} * credit_limit AND coalesce(overdue_periods, 0) = 0
        AND card_id NOT IN (SELECT card_id FROM late)
    UNION ALL SELECT customer_id, 'T03/NOT_ACTIVATED' FROM card
        WHERE issued_on <= $day - {potential.activation_days} AND coalesce(activated_on > $day, true)
    UNION ALL SELECT customer_id, 'T04/NEXT_TIER' FROM worth,
            (SELECT unnest([{tier.affluent}, {tier.wealth}, {tier.private}]) AS t) AS tiers
        WHERE 100 * aum >= {potential.next_tier_pct} * t AND aum < t
    UNION ALL SELECT customer_id, 'T04/HELD_BEFORE' FROM @wealth_holdings
        WHERE ended_on <= $day AND customer_id NOT IN (SELECT customer_id FROM held)
    UNION ALL SELECT customer_id, 'T04/IDLE_RISK' FROM idle JOIN active USING (customer_id)
        WHERE risk_profile IS NOT NULL AND risk_profile_expires_on > $day
    UNION ALL SELECT customer_id, 'T04/MATURING' FROM held
        WHERE matures_on > $day AND matures_on <= $day + {potential.wealth_days}
    UNION ALL SELECT customer_id, 'T05/COUNTER_NO_MOBILE' FROM booking
        WHERE channel = 'counter' AND day > $day - {potential.counter_days}
            AND customer_id NOT IN (SELECT customer_id FROM mobile)
        GROUP BY customer_id HAVING count(*) >= {potential.counter_min}
    UNION ALL SELECT customer_id, 'T05/SILENT' FROM mobile WHERE signed_on <= $day - {potential.silent_days}
        AND coalesce(last_used_on <= $day - {potential.silent_days}, true)
    UNION ALL SELECT customer_id, 'T05/TRADER_NO_ACQUIRING' FROM active
        WHERE (occupation IN ('trader', 'self_employed') OR industry IN ('retail', 'catering'))
            AND customer_id NOT IN (SELECT customer_id FROM merchant)
    UNION ALL SELECT one, 'T05/FAMILY' FROM (FROM family UNION SELECT other, one FROM family)
        WHERE other IN (SELECT customer_id FROM mobile) AND one NOT IN (SELECT customer_id FROM mobile)
    UNION ALL SELECT a.customer_id, 'T06/AVG_DOWN' FROM month_average AS a
        JOIN month_average AS b ON b.customer_id = a.customer_id AND b.back = a.back + 1
        WHERE a.back <= 3 AND b.total > 0 AND 100 * a.total * b.days <= (100 - {potential.fall_pct}) * b.total * a.days
        GROUP BY a.customer_id HAVING count(*) = 3
    UNION ALL SELECT customer_id, 'T06/NO_TXN' FROM is_open
        WHERE opened_on <= $day - {potential.no_txn_days}
            AND customer_id NOT IN (SELECT customer_id FROM own_booking WHERE day > $day - {potential.no_txn_days})
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM active LEFT JOIN deposits USING (customer_id)
        JOIN (SELECT customer_id, sum(balance) AS had FROM daily
              WHERE day = date_trunc('month', date_trunc('month', $day) - INTERVAL 1 DAY) - INTERVAL 1 DAY
              GROUP BY customer_id) USING (customer_id)
        WHERE coalesce(money, 0) <= {potential.closing_max} AND had >= {potential.closing_min}
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM @digital_channels
        WHERE ended_on <= $day AND ended_on > $day - {potential.channel_ended_days}
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM account
        WHERE product = 'demand' AND closed_on <= $day AND closed_on > $day - {potential.channel_ended_days}
            AND customer_id NOT IN (SELECT customer_id FROM is_open WHERE product = 'demand')
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM @credit_cards
        WHERE card_type = 'credit' AND closed_on <= $day AND closed_on > $day - {potential.channel_ended_days}
            AND customer_id NOT IN (SELECT customer_id FROM card)
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM @merchants
        WHERE ended_on <= $day AND ended_on > $day - {potential.channel_ended_days}
            AND customer_id NOT IN (SELECT customer_id FROM merchant)
    UNION ALL SELECT customer_id, 'T06/CLOSING' FROM @payroll_members
        WHERE effective_until <= $day AND effective_until > $day - {potential.channel_ended_days}
            AND customer_id NOT IN (SELECT customer_id FROM @payroll_members
                WHERE effective_from <= $day AND coalesce(effective_until > $day, true))
)
