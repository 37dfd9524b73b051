-- What the bank's customers, accounts, loans and cards are: a view per landing table.
-- `delivered_on` is the first day on which a row exists. Columns of the contract that are not
-- here are unknown to the source and stay empty.

-- One row per district: the branch, and the region that is its legal entity.
-- Regions are numbered in the order of their lowest district code.
CREATE TABLE branch AS
SELECT
    A1 AS district_id,
    printf('BERKA-D%03d', A1) AS branch_id,
    'BERKA-R' || dense_rank() OVER (ORDER BY lowest) AS region_id,
    A2 AS district,
    A3 AS region
FROM (SELECT A1, A2, A3, min(A1) OVER (PARTITION BY A3) AS lowest FROM district);

-- One row per account, with its holder: authorised users are not multiplied in.
CREATE TABLE holding AS
SELECT
    account.account_id,
    disp.client_id AS customer_id,
    branch.branch_id,
    account.date AS opened_on,
    account.frequency
FROM account
JOIN disp ON disp.account_id = account.account_id AND disp.type = 'OWNER'
JOIN branch ON branch.district_id = account.district_id;

-- One row per union, legal entity and branch. The source has one name for each, in no Chinese.
CREATE VIEW landing_org_units AS
SELECT getvariable('first_day') AS delivered_on, *, name_en AS name_zh
FROM (
    SELECT
        'BERKA' AS org_id, NULL AS parent_id, 'union' AS org_type,
        'Berka (PKDD''99)' AS name_en, NULL AS region
    UNION ALL
    SELECT DISTINCT region_id, 'BERKA', 'legal_entity', region, region FROM branch
    UNION ALL
    SELECT branch_id, region_id, 'branch', district, region FROM branch
);

-- One row per client. Region is the district of the home address; the home branch is that of the
-- first account held or used, whose opening is the earliest the source knows of the client.
CREATE VIEW landing_customers AS
WITH first_account AS (
    SELECT
        disp.client_id,
        min(holding.opened_on) AS customer_since,
        arg_min(holding.branch_id, (holding.opened_on, holding.account_id)) AS home_branch_id
    FROM disp JOIN holding USING (account_id)
    GROUP BY disp.client_id
)
SELECT
    customer_since AS delivered_on,
    client.client_id AS customer_id,
    'individual' AS customer_type,
    CASE WHEN birth_number[3:4] > '50' THEN 'female' ELSE 'male' END AS sex,
    born(birth_number) AS birth_date,
    home.district AS region,
    'active' AS status,
    home_branch_id,
    customer_since
FROM client
JOIN first_account USING (client_id)
JOIN branch AS home ON home.district_id = client.district_id;

-- One row per account: all are demand deposits in Czech crowns.
CREATE VIEW landing_deposit_accounts AS
SELECT
    opened_on AS delivered_on,
    account_id,
    customer_id,
    branch_id,
    'demand' AS product,
    'CZK' AS currency,
    opened_on,
    CASE frequency
        WHEN 'POPLATEK MESICNE' THEN 'monthly'
        WHEN 'POPLATEK TYDNE' THEN 'weekly'
        WHEN 'POPLATEK PO OBRATU' THEN 'after_transaction'
    END AS statement_frequency
FROM holding;

-- One row per account and person who may use it. Since when is unknown: since the opening.
CREATE VIEW landing_account_users AS
SELECT
    holding.opened_on AS delivered_on,
    account_id,
    disp.client_id AS customer_id,
    CASE disp.type WHEN 'OWNER' THEN 'holder' ELSE 'authorised' END AS role,
    holding.opened_on AS effective_from
FROM disp JOIN holding USING (account_id);

-- One row per order. Orders bear no date: they are delivered once their account is open.
CREATE VIEW landing_standing_orders AS
SELECT
    holding.opened_on AS delivered_on,
    order_id,
    account_id,
    bank_to AS counterparty_bank,
    account_to AS counterparty_account,
    amount,
    CASE k_symbol
        WHEN 'SIPO' THEN 'household_payment'
        WHEN 'POJISTNE' THEN 'insurance'
        WHEN 'UVER' THEN 'loan_repayment'
        WHEN 'LEASING' THEN 'leasing'
        ELSE lower(k_symbol)
    END AS purpose
FROM standing JOIN holding USING (account_id);

-- One row per loan, from the day it was granted, with the status it had when the data ended.
-- What is still owed, and when anything was settled or overdue, the source does not say.
CREATE VIEW landing_loans AS
SELECT
    loan.date AS delivered_on,
    loan_id,
    customer_id,
    branch_id,
    account_id,
    'loan' AS product,
    'CZK' AS currency,
    amount AS credit_line,
    amount,
    loan.date AS granted_on,
    (loan.date + to_months(duration))::DATE AS matures_on,
    CASE WHEN status IN ('B', 'D') THEN getvariable('in_debt_tier') ELSE 'normal' END AS five_tier,
    CASE status WHEN 'A' THEN 'settled' WHEN 'B' THEN 'written_off' ELSE 'running' END AS status
FROM loan JOIN holding USING (account_id);

-- One row per payment card, of the person who uses it.
CREATE VIEW landing_credit_cards AS
SELECT
    issued AS delivered_on,
    card_id,
    disp.client_id AS customer_id,
    branch_id,
    account_id,
    'debit' AS card_type,
    card.type AS product,
    issued AS issued_on
FROM card JOIN disp USING (disp_id) JOIN holding USING (account_id);
