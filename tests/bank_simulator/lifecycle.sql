, business AS (
    SELECT customer_id, opened_on AS day, coalesce(closed_on > $day, true) AS goes_on FROM account
    UNION ALL SELECT customer_id, granted_on, status = 'running' FROM loan
    UNION ALL SELECT customer_id, issued_on, coalesce(closed_on > $day, true) FROM @credit_cards WHERE card_type = 'credit'
    UNION ALL SELECT customer_id, bought_on, coalesce(ended_on > $day, true) FROM @wealth_holdings
), standing AS (
    SELECT customer_id, min(day) AS since, bool_or(goes_on) AS has FROM business WHERE day <= $day GROUP BY customer_id
), trend AS (
    SELECT a.customer_id, a.total * b.days AS now, b.total * a.days AS before, a.days * b.days AS days
    FROM month_average AS a JOIN month_average AS b ON b.customer_id = a.customer_id AND a.back = 1 AND b.back = 3
)
SELECT customer_id, CASE
    WHEN since IS NULL THEN 'prospect' WHEN NOT has THEN 'lost' WHEN since > $day - {lifecycle.new_days} THEN 'new'
    WHEN aum < {lifecycle.dormant_aum} AND customer_id NOT IN (SELECT customer_id FROM running)
        AND customer_id NOT IN (SELECT customer_id FROM own_booking WHERE day > $day - {lifecycle.dormant_days})
        THEN 'dormant'
    WHEN 100 * now <= (100 - {lifecycle.change_pct}) * before AND before - now >= {lifecycle.change_min} * days THEN 'declining'
    WHEN 100 * now >= (100 + {lifecycle.change_pct}) * before AND now - before >= {lifecycle.change_min} * days THEN 'growing'
    ELSE 'stable' END AS stage
FROM worth LEFT JOIN standing USING (customer_id) LEFT JOIN trend USING (customer_id)
WHERE customer_id IN (SELECT customer_id FROM planted_lifecycle)
