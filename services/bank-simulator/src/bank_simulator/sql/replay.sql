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

-- One row per customer: his type, from the last full delivery on.
CREATE OR REPLACE TEMP TABLE customer_type AS
SELECT customer_id, any_value(customer_type) AS customer_type FROM read_parquet(getvariable('customer_files'))
GROUP BY customer_id;

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
SELECT 'crm.transactions.v1' AS topic, 1 AS place, txn_id AS fact, customer_id, booked_at AS occurred_at,
    envelope('transaction', CAST(txn_id AS VARCHAR), booked_at, customer_id)
    || ',"type":"transaction.booked","txn_id":' || txn_id || ',"account_id":' || account_id
    || text_field('branch_id', branch_id) || text_field('customer_type', customer_type)
    || ',"business_date":"' || getvariable('day') || '","direction":"' || direction || '","amount":"' || amount || '"'
    || text_field('currency', currency) || text_field('channel', channel) || text_field('txn_type', txn_type)
    || text_field('counterparty_bank', counterparty_bank) || number_field('reverses_txn_id', reverses_txn_id)
    || '}' AS body
FROM booking
UNION ALL
SELECT 'crm.transactions.v1', 2, account_id, customer_id, occurred_at,
    envelope('account-closed', CAST(account_id AS VARCHAR), occurred_at, customer_id)
    || ',"type":"account.closed","account_id":' || account_id || text_field('branch_id', branch_id)
    || text_field('customer_type', customer_type) || ',"business_date":"' || getvariable('day') || '"'
    || text_field('product', product) || ',"closing_balance":"' || CAST(closing_balance AS DECIMAL(18, 2)) || '"'
    || text_field('currency', currency) || '}'
FROM closing
UNION ALL
SELECT 'crm.loan-events.v1', 3, event_no, customer_id, occurred_at,
    envelope('loan-event', CAST(event_no AS VARCHAR), occurred_at, customer_id)
    || ',"type":"loan.changed","loan_id":' || loan_id || text_field('branch_id', branch_id)
    || ',"business_date":"' || getvariable('day') || '"' || text_field('change', change)
    || CASE WHEN amount IS NULL THEN '' ELSE ',"amount":"' || amount || '"' END
    || ',"currency":"CNY"' || number_field('days_overdue', days_overdue)
    || text_field('five_tier_before', five_tier_before) || text_field('five_tier_after', five_tier_after) || '}'
FROM day_loan_events;

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
SELECT topic, CAST(customer_id AS VARCHAR) AS key, body, send_at, place, fact, 0 AS copy FROM moved
UNION ALL
SELECT topic, CAST(customer_id AS VARCHAR), body, send_at + INTERVAL 30 SECOND, place, fact, 1 FROM moved
WHERE luck('twice' || topic, fact * 4 + place) < getvariable('duplicates')
UNION ALL
SELECT 'crm.transactions.v1', CAST(10000000 + i AS VARCHAR),
    ['{"event_id": "half a mess', 'not an event', '{}', '{"type":"transaction.booked","txn_id":"x"}'][1 + i % 4],
    send_at, 9, i, 0
FROM poison;
