-- What the stream must raise for the events of $day, from the delivered files alone, as docs/rules.md words it.
WITH reversed AS (
    SELECT customer_id, reverses_txn_id AS txn_id FROM transactions_delivered WHERE reverses_txn_id IS NOT NULL
), moving AS (
    SELECT t.*, c.customer_type
    FROM transactions_delivered AS t JOIN @customers AS c USING (customer_id)
    WHERE reverses_txn_id IS NULL AND txn_type NOT IN ('deposit_open', 'deposit_close',
        'interest', 'fee', 'sanction_interest', 'loan_drawdown', 'loan_repayment',
        'card_repayment', 'wealth_buy', 'wealth_redeem')
        AND (t.customer_id, t.txn_id) NOT IN (FROM reversed)
), outgoing AS (
    SELECT customer_id, business_date,
        count(*) OVER (PARTITION BY customer_id ORDER BY booked_at
        RANGE BETWEEN INTERVAL '23:59:59.999999' PRECEDING AND CURRENT ROW) AS transfers
    FROM moving WHERE direction = 'debit' AND counterparty_bank IS NOT NULL
), classes AS (
    SELECT unnest(['normal', 'special_mention', 'substandard', 'doubtful', 'loss']) AS class, unnest(range(5)) AS rank
), data AS (
    SELECT customer_id, business_date, unnest([
        {'field': 'name', 'value': name}, {'field': 'document_type', 'value': document_type},
        {'field': 'document_no', 'value': document_no}, {'field': 'phone', 'value': phone},
        {'field': 'address', 'value': address},
        {'field': 'legal_representative', 'value': legal_representative}], recursive := true)
    FROM customers_delivered WHERE business_date <= $day
), changed AS (
    SELECT customer_id, string_agg(field, '+' ORDER BY field) AS fields
    FROM (SELECT *, lag(value) OVER w AS value_before, lag(business_date) OVER w AS day_before
          FROM data WINDOW w AS (PARTITION BY customer_id, field ORDER BY business_date))
    WHERE business_date = $day AND day_before IS NOT NULL AND value IS DISTINCT FROM value_before
    GROUP BY customer_id
), found AS (
    SELECT CASE direction WHEN 'credit' THEN 'R01.LARGE_INFLOW' ELSE 'R01.LARGE_OUTFLOW' END AS rule_code,
        customer_id, 'customer:' || customer_id AS subject, 'txn:' || txn_id AS occasion
    FROM moving
    WHERE business_date = $day
      AND amount >= CASE customer_type WHEN 'individual' THEN 500000 ELSE 5000000 END
    UNION
    SELECT 'R01.FREQUENT_TRANSFERS_OUT', customer_id, 'customer:' || customer_id, 'day:' || business_date
    FROM outgoing WHERE transfers >= 5 AND business_date = $day
    UNION
    SELECT 'R01.ACCOUNT_CLOSED', customer_id, 'account:' || account_id, 'closed:' || closed_on
    FROM deposit_accounts_delivered WHERE closed_on = $day
    UNION
    SELECT 'R01.LARGE_CARD_SPEND', customer_id, 'card:' || card_id, 'card_txn:' || card_txn_id
    FROM card_transactions_delivered WHERE business_date = $day AND direction = 'debit' AND amount >= 50000
    UNION
    SELECT 'R03.ARREARS', customer_id, 'loan:' || loan_id, 'month:' || strftime(business_date, '%Y-%m')
    FROM loan_events_delivered WHERE business_date = $day AND change = 'arrears' AND coalesce(amount, 1) > 0
    UNION
    SELECT 'R03.OVERDUE', customer_id, 'loan:' || loan_id, 'since:' || (business_date - days_overdue) || ':1'
    FROM loan_events_delivered WHERE business_date = $day AND change = 'overdue'
    UNION
    SELECT 'R03.DOWNGRADE', customer_id, 'loan:' || loan_id, 'class:' || five_tier_after || ':' || business_date
    FROM loan_events_delivered
    JOIN classes AS before ON before.class = five_tier_before JOIN classes AS after ON after.class = five_tier_after
    WHERE business_date = $day AND change = 'class_changed' AND after.rank > before.rank
    UNION
    SELECT 'R03.CARD_OVERDUE', c.customer_id, 'card:' || c.card_id, 'due:' || s.due_on
    FROM @card_statements AS s JOIN @credit_cards AS c USING (card_id)
    WHERE s.due_on = $day - 1 AND s.paid_on IS NULL AND s.amount > 0 AND c.card_type = 'credit'
      AND (c.closed_on IS NULL OR c.closed_on > $day)
    UNION
    SELECT 'R03.KEY_DATA_CHANGED', customer_id, 'customer:' || customer_id, 'changed:' || $day || ':' || fields
    FROM changed
    UNION
    SELECT 'R05.LOBBY_ARRIVAL', customer_id, 'customer:' || customer_id, 'lobby:' || branch_id || ':' || $day
    FROM live_queue_tickets
    WHERE business_date = $day AND customer_id IS NOT NULL AND state IN ('drawn', 'called')
)
