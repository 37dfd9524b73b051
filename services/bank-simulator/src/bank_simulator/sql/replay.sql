-- The messages of one business date, in sending order, from the views day_<table> of its tables.
CREATE OR REPLACE MACRO luck(salt, key) AS
    CAST(hash(hash(getvariable('seed'), salt, key)) % 1000000 AS BIGINT) / 10000.0;
-- uuid5 of the product's name space: SHA-1 with the bits of version and variant set.
CREATE OR REPLACE MACRO event_id(kind, key) AS (
    WITH digest AS (
        SELECT sha1(unhex(getvariable('name_space')) || encode('event|' || kind || '|' || key)) AS d
    )
    SELECT d[1:8] || '-' || d[9:12] || '-5' || d[14:16] || '-'
        || '89ab'[1 + (instr('0123456789abcdef', d[17]) - 1) % 4] || d[18:20] || '-' || d[21:32]
    FROM digest
);
CREATE OR REPLACE MACRO utc(t) AS
    CASE WHEN microsecond(t) % 1000000 = 0 THEN strftime(t, '%Y-%m-%dT%H:%M:%SZ')
         ELSE strftime(t, '%Y-%m-%dT%H:%M:%S.%fZ') END;
CREATE OR REPLACE MACRO text_field(name, value) AS
    CASE WHEN value IS NULL THEN '' ELSE ',"' || name || '":' || CAST(to_json(value) AS VARCHAR) END;
CREATE OR REPLACE MACRO number_field(name, value) AS
    CASE WHEN value IS NULL THEN '' ELSE ',"' || name || '":' || CAST(value AS VARCHAR) END;
CREATE OR REPLACE MACRO envelope(kind, key, t, customer) AS
    '{"event_id":"' || event_id(kind, key) || '","version":1,"occurred_at":"' || utc(t)
    || '","producer":"core","customer_id":' || customer;

-- One row per customer, card and statement: as it stands that day.
CREATE OR REPLACE TEMP TABLE customer AS
SELECT * FROM state_customers QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY delivered_on DESC) = 1;
CREATE OR REPLACE TEMP TABLE customer_type AS SELECT customer_id, customer_type FROM customer;
CREATE OR REPLACE TEMP TABLE card AS
SELECT * FROM state_credit_cards QUALIFY row_number() OVER (PARTITION BY card_id ORDER BY delivered_on DESC) = 1;
CREATE OR REPLACE TEMP TABLE card_statement AS
SELECT * FROM state_card_statements
QUALIFY row_number() OVER (PARTITION BY card_id, statement_on ORDER BY delivered_on DESC) = 1;

-- One row per customer whose data changed that day, told at ten in the morning.
CREATE OR REPLACE TEMP TABLE data_change AS
WITH before AS (
    SELECT * FROM state_customers WHERE delivered_on < getvariable('day')
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY delivered_on DESC) = 1
), compared AS (
    SELECT a.customer_id, a.home_branch_id, list_filter([
        CASE WHEN a.name IS DISTINCT FROM b.name THEN 'name' END,
        CASE WHEN a.document_type IS DISTINCT FROM b.document_type THEN 'document_type' END,
        CASE WHEN a.document_no IS DISTINCT FROM b.document_no THEN 'document_no' END,
        CASE WHEN a.phone IS DISTINCT FROM b.phone THEN 'phone' END,
        CASE WHEN a.occupation IS DISTINCT FROM b.occupation THEN 'occupation' END,
        CASE WHEN a.education IS DISTINCT FROM b.education THEN 'education' END,
        CASE WHEN a.marital_status IS DISTINCT FROM b.marital_status THEN 'marital_status' END,
        CASE WHEN a.address IS DISTINCT FROM b.address THEN 'address' END,
        CASE WHEN a.industry IS DISTINCT FROM b.industry THEN 'industry' END,
        CASE WHEN a.legal_representative IS DISTINCT FROM b.legal_representative THEN 'legal_representative' END,
        CASE WHEN a.risk_profile IS DISTINCT FROM b.risk_profile THEN 'risk_profile' END
    ], lambda field: field IS NOT NULL) AS fields
    FROM customer AS a JOIN before AS b USING (customer_id) WHERE a.delivered_on = getvariable('day')
)
SELECT *, CAST(getvariable('day') AS TIMESTAMP) + INTERVAL 2 HOUR AS occurred_at FROM compared WHERE len(fields) > 0;

-- One row per card and day on which statements of it were due and are not paid the day after.
CREATE OR REPLACE TEMP TABLE overdue_card AS
SELECT c.card_id, c.customer_id, c.branch_id, s.due_on, sum(s.amount) AS amount,
    CAST(getvariable('day') AS TIMESTAMP) AS occurred_at
FROM card_statement AS s JOIN card AS c USING (card_id)
WHERE s.due_on = getvariable('day') - 1 AND s.paid_on IS NULL AND c.card_type = 'credit'
  AND (c.closed_on IS NULL OR c.closed_on > getvariable('day'))
GROUP BY ALL HAVING sum(s.amount) > 0;

CREATE OR REPLACE TEMP TABLE booking AS
SELECT t.*, coalesce(c.customer_type, 'individual') AS customer_type
FROM day_transactions AS t LEFT JOIN customer_type AS c USING (customer_id);

-- An account is closed a second after it was paid out, or in the evening where nothing was left.
CREATE OR REPLACE TEMP TABLE closing AS
SELECT a.*, coalesce(c.customer_type, 'individual') AS customer_type, coalesce(p.amount, 0) AS closing_balance,
    coalesce(p.booked_at + INTERVAL 1 SECOND, CAST(getvariable('day') AS TIMESTAMP) + INTERVAL 9 HOUR) AS occurred_at
FROM day_deposit_accounts AS a LEFT JOIN customer_type AS c USING (customer_id)
LEFT JOIN (SELECT account_id, sum(amount) AS amount, max(booked_at) AS booked_at FROM booking
           WHERE txn_type = 'deposit_close' AND direction = 'debit' GROUP BY account_id) AS p USING (account_id)
WHERE a.closed_on = getvariable('day');

CREATE OR REPLACE TEMP TABLE message AS
SELECT 'crm.transactions.v1' AS topic, 1 AS place, txn_id AS fact, CAST(customer_id AS VARCHAR) AS key,
    booked_at AS occurred_at,
    envelope('transaction', CAST(txn_id AS VARCHAR), booked_at, customer_id)
    || ',"type":"transaction.booked","txn_id":' || txn_id || ',"account_id":' || account_id
    || text_field('branch_id', branch_id) || text_field('customer_type', customer_type)
    || ',"business_date":"' || getvariable('day') || '","direction":"' || direction || '","amount":"' || amount || '"'
    || text_field('currency', currency) || text_field('channel', channel) || text_field('txn_type', txn_type)
    || text_field('counterparty_bank', counterparty_bank) || number_field('reverses_txn_id', reverses_txn_id)
    || '}' AS body
FROM booking
UNION ALL
SELECT 'crm.transactions.v1', 2, account_id, CAST(customer_id AS VARCHAR), occurred_at,
    envelope('account-closed', account_id || '|' || getvariable('day'), occurred_at, customer_id)
    || ',"type":"account.closed","account_id":' || account_id || text_field('branch_id', branch_id)
    || text_field('customer_type', customer_type) || ',"business_date":"' || getvariable('day') || '"'
    || text_field('product', product) || ',"closing_balance":"' || CAST(closing_balance AS DECIMAL(18, 2)) || '"'
    || text_field('currency', currency) || '}'
FROM closing
UNION ALL
SELECT 'crm.loan-events.v1', 3, event_no, CAST(customer_id AS VARCHAR), occurred_at,
    envelope('loan-event', CAST(event_no AS VARCHAR), occurred_at, customer_id)
    || ',"type":"loan.changed","loan_id":' || loan_id || text_field('branch_id', branch_id)
    || ',"business_date":"' || getvariable('day') || '"' || text_field('change', change)
    || CASE WHEN amount IS NULL THEN '' ELSE ',"amount":"' || amount || '"' END
    || ',"currency":"CNY"' || number_field('days_overdue', days_overdue)
    || text_field('five_tier_before', five_tier_before) || text_field('five_tier_after', five_tier_after) || '}'
FROM day_loan_events
UNION ALL
SELECT 'crm.card-events.v1', 1, t.card_txn_id, CAST(t.customer_id AS VARCHAR), t.booked_at,
    envelope('card-transaction', CAST(t.card_txn_id AS VARCHAR), t.booked_at, t.customer_id)
    || ',"type":"card.booked","card_txn_id":' || t.card_txn_id || ',"card_id":' || t.card_id
    || text_field('branch_id', c.branch_id) || ',"business_date":"' || getvariable('day') || '"'
    || text_field('direction', t.direction) || ',"amount":"' || t.amount || '","currency":"CNY"'
    || text_field('category', t.category) || '}'
FROM day_card_transactions AS t JOIN card AS c USING (card_id)
UNION ALL
SELECT 'crm.card-events.v1', 2, card_id, CAST(customer_id AS VARCHAR), occurred_at,
    envelope('card-overdue', card_id || '|' || strftime(due_on, '%Y-%m-%d'), occurred_at, customer_id)
    || ',"type":"card.overdue","card_id":' || card_id || text_field('branch_id', branch_id)
    || ',"business_date":"' || getvariable('day') || '","due_on":"' || due_on || '"'
    || ',"amount":"' || CAST(amount AS DECIMAL(18, 2)) || '","currency":"CNY"}'
FROM overdue_card
UNION ALL
SELECT 'crm.customer-events.v1', 1, customer_id, CAST(customer_id AS VARCHAR), occurred_at,
    envelope('customer-changed', customer_id || '|' || getvariable('day'), occurred_at, customer_id)
    || ',"type":"customer.changed"' || text_field('branch_id', home_branch_id)
    || ',"business_date":"' || getvariable('day') || '","fields":' || CAST(to_json(fields) AS VARCHAR) || '}'
FROM data_change
UNION ALL
SELECT 'crm.queue-tickets.v1', 1, row_number() OVER (ORDER BY occurred_at, ticket_id, state), branch_id, occurred_at,
    '{"event_id":"' || event_id('ticket', ticket_id || '|' || state) || '","version":1,"occurred_at":"'
    || utc(occurred_at) || '","producer":"core","type":"ticket.changed"' || text_field('ticket_id', ticket_id)
    || text_field('branch_id', branch_id) || text_field('state', state) || text_field('queue', queue)
    || number_field('customer_id', customer_id) || '}'
FROM day_queue_tickets;

-- One row per message to send; `bad` ones are no events at all.
CREATE OR REPLACE TEMP TABLE outgoing AS
WITH moved AS (
    SELECT *,
        occurred_at + to_milliseconds(CAST(luck('disorder' || topic, fact * 4 + place) * 10 * getvariable('disorder') AS BIGINT))
        + CASE WHEN luck('late' || topic, fact * 4 + place) < getvariable('late')
               THEN INTERVAL 36 HOUR ELSE INTERVAL 0 HOUR END AS send_at
    FROM message
), bounds AS (
    SELECT coalesce(min(send_at), CAST(getvariable('day') AS TIMESTAMP)) AS first_at,
        coalesce(max(send_at), CAST(getvariable('day') AS TIMESTAMP)) AS last_at FROM moved
), poison AS (
    SELECT i, first_at + (last_at - first_at) * (i + 1) / (getvariable('poison') + 1) AS send_at
    FROM (SELECT unnest(range(getvariable('poison'))) AS i), bounds
)
SELECT topic, key, body, send_at, place, fact, 0 AS copy FROM moved
UNION ALL
SELECT topic, key, body, send_at + INTERVAL 30 SECOND, place, fact, 1 FROM moved
WHERE luck('twice' || topic, fact * 4 + place) < getvariable('duplicates')
UNION ALL
SELECT 'crm.transactions.v1', CAST(10000000 + i AS VARCHAR),
    ['{"event_id": "half a mess', 'not an event', '{}', '{"type":"transaction.booked","txn_id":"x"}'][1 + i % 4],
    send_at, 9, i, 0
FROM poison;
