-- What moved on the accounts until the last day of the ledger that is imported.

-- One row per booking, with its sign. VYBER is a debit as well as VYDAJ: only PRIJEM is a credit.
CREATE TABLE booking AS
SELECT
    trans_id,
    account_id,
    customer_id,
    branch_id,
    trans.date AS booked_on,
    CASE type WHEN 'PRIJEM' THEN 'credit' ELSE 'debit' END AS direction,
    amount,
    CASE type WHEN 'PRIJEM' THEN amount ELSE -amount END AS signed,
    try_cast(balance AS DECIMAL(18,2)) AS running_balance,
    CASE
        WHEN k_symbol IN ('UROK', 'SANKC. UROK', 'SLUZBY') THEN 'system'
        WHEN operation IN ('VKLAD', 'VYBER') THEN 'counter'
        ELSE 'unknown'
    END AS channel,
    -- What a payment is for says more than how it was made.
    CASE k_symbol
        WHEN 'UROK' THEN 'interest'
        WHEN 'SANKC. UROK' THEN 'sanction_interest'
        WHEN 'SLUZBY' THEN 'fee'
        WHEN 'SIPO' THEN 'household_payment'
        WHEN 'POJISTNE' THEN 'insurance'
        WHEN 'DUCHOD' THEN 'pension'
        WHEN 'UVER' THEN 'loan_repayment'
        ELSE CASE operation
            WHEN 'VKLAD' THEN 'cash_in'
            WHEN 'VYBER' THEN 'cash_out'
            WHEN 'VYBER KARTOU' THEN 'card_withdrawal'
            WHEN 'PREVOD Z UCTU' THEN 'transfer_in'
            WHEN 'PREVOD NA UCET' THEN 'transfer_out'
            ELSE 'other'
        END
    END AS txn_type,
    nullif(account, '0') AS counterparty_account,
    bank AS counterparty_bank
FROM trans JOIN holding USING (account_id)
WHERE trans.date <= getvariable('ledger_until');

-- One row per booking. Only the day is known, so every booking is at noon UTC of its day.
CREATE VIEW landing_transactions AS
SELECT
    booked_on AS delivered_on,
    trans_id AS txn_id,
    account_id,
    customer_id,
    branch_id,
    booked_on + INTERVAL 12 HOUR AS booked_at,
    direction,
    amount,
    'CZK' AS currency,
    channel,
    txn_type,
    counterparty_account,
    counterparty_bank
FROM booking;

-- One row per type of booking, branch and day: the other side of what the accounts were booked.
CREATE VIEW landing_gl_totals AS
SELECT
    booked_on AS delivered_on,
    txn_type AS gl_code,
    branch_id,
    coalesce(sum(amount) FILTER (direction = 'credit'), 0) AS debit,
    coalesce(sum(amount) FILTER (direction = 'debit'), 0) AS credit
FROM booking
GROUP BY booked_on, txn_type, branch_id;

-- One row per account and day on which it moved. Every account opens with nothing.
CREATE TABLE end_of_day AS
SELECT
    account_id,
    booked_on,
    sum(sum(signed)) OVER (PARTITION BY account_id ORDER BY booked_on)::DECIMAL(18,2) AS balance
FROM booking
GROUP BY account_id, booked_on;

-- One row per account and day: those that moved, and on days of full delivery all that are open.
CREATE VIEW landing_balances AS
SELECT booked_on AS delivered_on, account_id, balance
FROM end_of_day
WHERE booked_on NOT IN (SELECT day FROM full_day)
UNION ALL
SELECT everyone.day, everyone.account_id, coalesce(end_of_day.balance, 0)
FROM (
    SELECT day, account_id FROM full_day JOIN holding ON opened_on <= day
    WHERE day <= getvariable('ledger_until')
) AS everyone
ASOF LEFT JOIN end_of_day
    ON end_of_day.account_id = everyone.account_id AND end_of_day.booked_on <= everyone.day;

-- One row per account and day: how far the nearest of the file's running balances of the day is
-- from ours. The file orders the bookings of a day nowhere, so its last one is not known.
CREATE VIEW balance_gap AS
SELECT account_id, booked_on, min(abs(running_balance - balance)) AS gap
FROM booking JOIN end_of_day USING (account_id, booked_on)
GROUP BY account_id, booked_on;
