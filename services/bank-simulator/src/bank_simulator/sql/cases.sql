-- The planted cases, each in `copies` copies: customers 1 to case_customers.

-- One row per planted customer.
CREATE OR REPLACE TABLE planted AS
SELECT row_number() OVER (ORDER BY copy, case_no) AS no, case_no, copy, name AS "case",
    1 + (case_no + copy * 3) % getvariable('entities') AS le_no
FROM proto_case, (SELECT unnest(range(getvariable('copies'))) AS copy) AS c;

-- One row per planted customer and branch slot.
CREATE OR REPLACE TABLE slot AS
SELECT p.no, b.seq AS slot, b.branch_id FROM planted AS p JOIN branch AS b USING (le_no);

CREATE OR REPLACE TABLE case_customer AS
SELECT p.no, c.customer_type, s.branch_id AS home_branch_id, c.status, c.document_in, c.risk_in,
    c.birth_date, c.customer_since, c.occupation, c.industry
FROM planted AS p JOIN proto_case AS c USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = c.home;

CREATE OR REPLACE TABLE case_account AS
SELECT p.no, a.* EXCLUDE (case_no, slot), s.branch_id
FROM planted AS p JOIN proto_account AS a USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = a.slot;

CREATE OR REPLACE TABLE case_booking AS
SELECT p.no * 64 + m.move_no AS txn_id, account_id(p.no, m.account) AS account_id, m.day, m.seconds,
    CASE WHEN m.cents > 0 THEN 'credit' ELSE 'debit' END AS direction, abs(m.cents) AS cents, m.txn_type,
    CASE WHEN m.txn_type IN ('interest', 'sanction_interest', 'fee', 'payroll', 'acquiring') THEN 'system' ELSE m.channel END AS channel,
    m.bank, p.no * 64 + m.reverses AS reverses
FROM planted AS p JOIN proto_move AS m USING (case_no);

CREATE OR REPLACE TABLE case_loan AS
SELECT p.no, l.* EXCLUDE (case_no, slot, token), s.branch_id, m.manager_id
FROM planted AS p JOIN proto_loan AS l USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = l.slot
LEFT JOIN manager AS m ON m.branch_id = s.branch_id AND m.token = l.token;

CREATE OR REPLACE TABLE case_instalment AS
SELECT p.no, i.* EXCLUDE (case_no, slot), s.branch_id
FROM planted AS p JOIN proto_instalment AS i USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = i.slot;

CREATE OR REPLACE TABLE case_card AS
SELECT p.no, c.* EXCLUDE (case_no, slot, token), s.branch_id, m.manager_id
FROM planted AS p JOIN proto_card AS c USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = c.slot
LEFT JOIN manager AS m ON m.branch_id = s.branch_id AND m.token = c.token;

CREATE OR REPLACE TABLE case_statement AS
SELECT p.no, x.* EXCLUDE (case_no) FROM planted AS p JOIN proto_statement AS x USING (case_no);

CREATE OR REPLACE TABLE case_holding AS
SELECT p.no, h.* EXCLUDE (case_no, slot), s.branch_id
FROM planted AS p JOIN proto_holding AS h USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = h.slot;

CREATE OR REPLACE TABLE case_merchant AS
SELECT p.no, m.* EXCLUDE (case_no) FROM planted AS p JOIN proto_merchant AS m USING (case_no);

CREATE OR REPLACE TABLE case_channel AS
SELECT p.no, c.* EXCLUDE (case_no) FROM planted AS p JOIN proto_channel AS c USING (case_no);

CREATE OR REPLACE TABLE case_payroll AS
SELECT p.no, m.until FROM planted AS p JOIN proto_payroll AS m USING (case_no);

-- One row per family tie between two cases of the same copy.
CREATE OR REPLACE TABLE case_family AS
SELECT CASE WHEN f.reverse THEN o.no ELSE p.no END AS no, CASE WHEN f.reverse THEN p.no ELSE o.no END AS other,
    f.until
FROM planted AS p JOIN proto_family AS f USING (case_no) JOIN planted AS o ON o.copy = p.copy AND o."case" = f.other;

CREATE OR REPLACE TABLE case_lock AS
SELECT p.no, l.locked_on, l.locked_until, s.branch_id, m.manager_id
FROM planted AS p JOIN proto_lock AS l USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = l.slot
LEFT JOIN manager AS m ON m.branch_id = s.branch_id AND m.token = l.token;

CREATE OR REPLACE TABLE case_contact AS
SELECT p.no, c.* EXCLUDE (case_no) FROM planted AS p JOIN proto_contact AS c USING (case_no);

CREATE OR REPLACE TABLE case_assignment AS
SELECT p.no, s.branch_id, m.manager_id
FROM planted AS p JOIN proto_assignment AS a USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = a.slot
JOIN manager AS m ON m.branch_id = s.branch_id AND m.token = a.token;

CREATE OR REPLACE TABLE case_coverage AS
SELECT p.no, s.branch_id, c.role, m.manager_id, c.rule, p."case"
FROM planted AS p JOIN proto_coverage AS c USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = c.slot
JOIN manager AS m ON m.branch_id = s.branch_id AND m.token = c.token;

CREATE OR REPLACE TABLE case_key AS
SELECT p.no, c.basis, p."case" FROM planted AS p JOIN proto_case AS c USING (case_no)
WHERE c.basis IS NOT NULL;

CREATE OR REPLACE TABLE case_over_contact AS
SELECT p.no, c.contacts, c.over_campaigns, p."case" FROM planted AS p JOIN proto_case AS c USING (case_no)
WHERE c.contacts IS NOT NULL;

CREATE OR REPLACE TABLE case_due AS
SELECT p.no, d.rule_code, d.due_on, d."window", d.cents, s.branch_id, p."case",
    CASE d.rule_code
        WHEN 'R02.CARD_REPAYMENT_DUE' THEN 'card:' || card_id(p.no, d.item)
        WHEN 'R03.CARD_OVERDUE' THEN 'card:' || card_id(p.no, d.item)
        WHEN 'R02.DEPOSIT_MATURES' THEN 'account:' || account_id(p.no, d.item)
        WHEN 'R02.WEALTH_MATURES' THEN 'holding:' || holding_id(p.no, d.item)
        WHEN 'R02.LOAN_MATURES' THEN 'loan:' || loan_id(p.no, d.item)
        WHEN 'R02.REPAYMENT_DUE' THEN 'loan:' || loan_id(p.no, d.item)
        WHEN 'R03.ARREARS' THEN 'loan:' || loan_id(p.no, d.item)
        WHEN 'R03.OVERDUE' THEN 'loan:' || loan_id(p.no, d.item)
        ELSE 'customer:' || customer_id(p.no) END AS subject
FROM planted AS p JOIN proto_due AS d USING (case_no)
LEFT JOIN slot AS s ON s.no = p.no AND s.slot = d.slot;

-- What the stream tells of loans, cards, customers and lobbies.
CREATE OR REPLACE TABLE case_loan_step AS
SELECT p.no, l.* EXCLUDE (case_no) FROM planted AS p JOIN proto_loan_step AS l USING (case_no);

CREATE OR REPLACE TABLE case_spend AS
SELECT p.no, s.* EXCLUDE (case_no) FROM planted AS p JOIN proto_spend AS s USING (case_no);

CREATE OR REPLACE TABLE case_change AS
SELECT p.no, c.* EXCLUDE (case_no) FROM planted AS p JOIN proto_change AS c USING (case_no);

CREATE OR REPLACE TABLE case_ticket AS
SELECT p.no, t.* EXCLUDE (case_no), s.branch_id
FROM planted AS p JOIN proto_ticket AS t USING (case_no) JOIN slot AS s ON s.no = p.no AND s.slot = 0;

CREATE OR REPLACE TABLE case_movement AS
SELECT p.no, m.business_date, m.rule_code, m.expected, p."case",
    CASE WHEN m.account IS NOT NULL THEN 'account:' || account_id(p.no, m.account)
         WHEN m.loan IS NOT NULL THEN 'loan:' || loan_id(p.no, m.loan)
         WHEN m.spend IS NOT NULL THEN 'card:' || card_id(p.no, 1)
         ELSE 'customer:' || customer_id(p.no) END AS subject,
    CASE WHEN m."window" IS NOT NULL THEN m."window"
         WHEN m.account IS NOT NULL THEN 'closed:' || strftime(m.business_date, '%Y-%m-%d')
         WHEN m.spend IS NOT NULL THEN 'card_txn:' || card_txn_id(card_id(p.no, 1), m.business_date, m.spend)
         WHEN m.slot IS NOT NULL THEN 'lobby:' || s.branch_id || ':' || strftime(m.business_date, '%Y-%m-%d')
         WHEN m.move_no IS NOT NULL THEN 'txn:' || (p.no * 64 + m.move_no)
         ELSE 'day:' || strftime(m.business_date, '%Y-%m-%d') END AS "window"
FROM planted AS p JOIN proto_movement AS m USING (case_no)
LEFT JOIN slot AS s ON s.no = p.no AND s.slot = m.slot;

CREATE OR REPLACE TABLE case_tag AS
SELECT p.no, t.path, t.expected, t.strength, p."case" FROM planted AS p JOIN proto_tag AS t USING (case_no);

CREATE OR REPLACE TABLE case_tier AS
SELECT p.no, c.tier, p."case" FROM planted AS p JOIN proto_case AS c USING (case_no) WHERE c.tier IS NOT NULL;

CREATE OR REPLACE TABLE case_lifecycle AS
SELECT p.no, c.lifecycle, p."case" FROM planted AS p JOIN proto_case AS c USING (case_no)
WHERE c.lifecycle IS NOT NULL;
