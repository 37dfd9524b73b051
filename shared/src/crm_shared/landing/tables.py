"""Every table that the core bank delivers, and the two of the OCRM.

Amounts are positive numbers in `currency` (CNY where a table has none); `direction` gives the sign.
Rates are fractions of one per year: 0.0385 is 3.85 %.
"""

from crm_shared.landing.schema import Column as C
from crm_shared.landing.schema import Table

#: Wide enough for any rate of a bank, and too narrow for nearly all that are delivered in percent.
DEPOSIT_RATES, LOAN_RATES = ("0", "0.2"), ("0", "0.5")
#: A hundred years: nobody owes for longer, and a date delivered as a number is more.
DAYS_OVERDUE = ("0", "36500")
#: The same in monthly periods.
OVERDUE_PERIODS = ("0", "1200")
#: A fraction of the whole; 25 for 25 % is refused.
SHARE = ("0", "1")
FIVE_TIERS = ("normal", "special_mention", "substandard", "doubtful", "loss")
DIRECTIONS = ("credit", "debit")
ROLES = (
    "relationship_manager", "branch_head", "lobby_manager", "teller", "campaign_maker", "checker",
    "data_analyst", "operations", "auditor", "system_administrator",
)  # fmt: skip

ORGANISATION = (
    Table("org_units", "state", ("org_id",), (
        C("org_id", "VARCHAR"),
        C("parent_id", "VARCHAR", nullable=True),
        C("org_type", "VARCHAR", codes=("union", "legal_entity", "branch")),
        C("name_zh", "VARCHAR"),
        C("name_en", "VARCHAR"),
        C("region", "VARCHAR", nullable=True),
        C("opened_on", "DATE", nullable=True),
        C("closed_on", "DATE", nullable=True),
    ), "Union, legal entities, branches. Every branch has a legal entity as parent."),
    Table("employees", "state", ("employee_id",), (
        C("employee_id", "VARCHAR"),
        C("name", "VARCHAR", personal=True),
        C("home_org_id", "VARCHAR"),
        C("hired_on", "DATE", nullable=True),
        C("left_on", "DATE", nullable=True),
    ), "People who work at the bank. A branch's virtual manager is not an employee."),
    Table("employee_roles", "state", ("employee_id", "org_id", "role", "effective_from"), (
        C("employee_id", "VARCHAR"),
        C("org_id", "VARCHAR"),
        C("role", "VARCHAR", codes=ROLES),
        C("effective_from", "DATE"),
        C("effective_until", "DATE", nullable=True),
    ), "Who may act as what, where, from when until (not including) when."),
)  # fmt: skip

CUSTOMERS = (
    Table("customers", "state", ("customer_id",), (
        C("customer_id", "BIGINT"),
        C("customer_type", "VARCHAR", codes=("individual", "business", "group")),
        C("name", "VARCHAR", nullable=True, personal=True),
        C("document_type", "VARCHAR", nullable=True, codes=("id_card", "passport", "credit_code")),
        C("document_no", "VARCHAR", nullable=True, personal=True),
        C("document_expires_on", "DATE", nullable=True),
        C("phone", "VARCHAR", nullable=True, personal=True),
        C("sex", "VARCHAR", nullable=True, codes=("female", "male")),
        C("birth_date", "DATE", nullable=True, personal=True),
        C("occupation", "VARCHAR", nullable=True),
        C("education", "VARCHAR", nullable=True),
        C("marital_status", "VARCHAR", nullable=True),
        C("region", "VARCHAR", nullable=True),
        C("address", "VARCHAR", nullable=True, personal=True),
        C("industry", "VARCHAR", nullable=True),
        C("company_size", "VARCHAR", nullable=True, codes=("micro", "small", "medium", "large")),
        C("founded_on", "DATE", nullable=True),
        C("legal_representative", "VARCHAR", nullable=True, personal=True),
        C("risk_profile", "VARCHAR", nullable=True, codes=("R1", "R2", "R3", "R4", "R5")),
        C("risk_profile_expires_on", "DATE", nullable=True),
        C("status", "VARCHAR", codes=("active", "invalid")),
        C("home_branch_id", "VARCHAR"),
        C("customer_since", "DATE"),
    ), "One row per customer, one customer per person, business or group; `home_branch_id`"
       " registered it first."),
    Table("customer_relations", "state", ("customer_id", "related_customer_id", "relation"), (
        C("customer_id", "BIGINT"),
        C("related_customer_id", "BIGINT"),
        C("relation", "VARCHAR", codes=(
            "group_member", "subsidiary", "household_member", "guarantor", "legal_representative",
        )),
        C("share", "DECIMAL(9,6)", nullable=True, limits=SHARE),
        C("effective_from", "DATE"),
        C("effective_until", "DATE", nullable=True),
    ), "`related_customer_id` is the `relation` of `customer_id` (its member, its guarantor …)."),
)  # fmt: skip

DEPOSITS = (
    Table("deposit_accounts", "state", ("account_id",), (
        C("account_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("product", "VARCHAR", codes=("demand", "time", "certificate")),
        C("currency", "VARCHAR"),
        C("rate", "DECIMAL(9,6)", nullable=True, limits=DEPOSIT_RATES),
        C("term_months", "INTEGER", nullable=True),
        C("opened_on", "DATE"),
        C("matures_on", "DATE", nullable=True),
        C("closed_on", "DATE", nullable=True),
        C("statement_frequency", "VARCHAR", nullable=True),
    ), "Deposit accounts; `customer_id` is the holder. Open until `closed_on`; `rate` is a fraction"
       " of one per year (0.0135 is 1.35 %)."),
    Table("account_users", "state", ("account_id", "customer_id"), (
        C("account_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("role", "VARCHAR", codes=("holder", "authorised")),
        C("effective_from", "DATE"),
        C("effective_until", "DATE", nullable=True),
    ), "Who may use an account. Never sum money over this table: the holder owns it once."),
    Table("balances", "state", ("account_id",), (
        C("account_id", "BIGINT"),
        C("balance", "DECIMAL(18,2)"),
    ), "End-of-day balance = opening + signed sum of transactions, to the cent; an account that"
       " is not delivered has not moved."),
    Table("transactions", "event", ("txn_id",), (
        C("txn_id", "BIGINT"),
        C("journal_id", "BIGINT", nullable=True),
        C("account_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("booked_at", "TIMESTAMP"),
        C("direction", "VARCHAR", codes=DIRECTIONS),
        C("amount", "DECIMAL(18,2)"),
        C("currency", "VARCHAR"),
        C("channel", "VARCHAR", codes=(
            "counter", "atm", "pos", "mobile", "web", "third_party", "system", "unknown",
        )),
        C("txn_type", "VARCHAR", codes=(
            "cash_in", "cash_out", "transfer_in", "transfer_out", "payroll", "purchase",
            "acquiring", "interest", "fee", "loan_drawdown", "loan_repayment", "deposit_open",
            "deposit_close", "wealth_buy", "wealth_redeem", "card_repayment", "pension",
            "insurance", "household_payment", "sanction_interest", "card_withdrawal",
            "land_compensation", "property_sale", "other",
        )),
        C("counterparty_account", "VARCHAR", nullable=True, personal=True),
        C("counterparty_bank", "VARCHAR", nullable=True),
        C("reverses_txn_id", "BIGINT", nullable=True),
    ), "The deposit ledger. `counterparty_bank` is empty within the bank. Entries of one"
       " `journal_id` and the general ledger's of the day balance to zero."),
    Table("gl_totals", "event", ("gl_code", "branch_id"), (
        C("gl_code", "VARCHAR"),
        C("branch_id", "VARCHAR"),
        C("debit", "DECIMAL(18,2)"),
        C("credit", "DECIMAL(18,2)"),
    ), "The general ledger's counter entries of the day: deposits' net movement plus theirs is 0."),
    Table("standing_orders", "state", ("order_id",), (
        C("order_id", "BIGINT"),
        C("account_id", "BIGINT"),
        C("counterparty_bank", "VARCHAR", nullable=True),
        C("counterparty_account", "VARCHAR", nullable=True, personal=True),
        C("amount", "DECIMAL(18,2)"),
        C("purpose", "VARCHAR", nullable=True),
    ), "Standing orders to pay from an account."),
)  # fmt: skip

CREDIT = (
    Table("loans", "state", ("loan_id",), (
        C("loan_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR", nullable=True),
        C("account_id", "BIGINT", nullable=True),
        C("product", "VARCHAR"),
        C("currency", "VARCHAR"),
        C("credit_line", "DECIMAL(18,2)"),
        C("amount", "DECIMAL(18,2)"),
        C("balance", "DECIMAL(18,2)", nullable=True),
        C("rate", "DECIMAL(9,6)", nullable=True, limits=LOAN_RATES),
        C("collateral", "VARCHAR", nullable=True),
        C("granted_on", "DATE"),
        C("matures_on", "DATE"),
        C("settled_on", "DATE", nullable=True),
        C("next_due_on", "DATE", nullable=True),
        C("next_due_amount", "DECIMAL(18,2)", nullable=True),
        C("five_tier", "VARCHAR", codes=FIVE_TIERS),
        C("interest_arrears", "DECIMAL(18,2)", nullable=True),
        C("days_overdue", "INTEGER", nullable=True, limits=DAYS_OVERDUE),
        C("last_overdue_on", "DATE", nullable=True),
        C("status", "VARCHAR", codes=("running", "settled", "written_off")),
    ), "Loans as they stand: `amount` granted, `balance` outstanding, `last_overdue_on` the last"
       " day on which anything was overdue or in arrears, `rate` a fraction of one per year (0.0385"
       " is 3.85 %). Empty where the source does not say."),
    Table("loan_schedules", "state", ("loan_id", "instalment_no"), (
        C("loan_id", "BIGINT"),
        C("instalment_no", "INTEGER"),
        C("due_on", "DATE"),
        C("principal", "DECIMAL(18,2)"),
        C("interest", "DECIMAL(18,2)"),
        C("paid_on", "DATE", nullable=True),
    ), "Instalments of every loan; unpaid while `paid_on` is empty."),
    Table("loan_events", "event", ("event_no",), (
        C("event_no", "BIGINT"),
        C("loan_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("occurred_at", "TIMESTAMP"),
        C("change", "VARCHAR", codes=(
            "granted", "repaid", "arrears", "overdue", "class_changed", "settled", "written_off",
        )),
        C("amount", "DECIMAL(18,2)", nullable=True),
        C("days_overdue", "INTEGER", limits=DAYS_OVERDUE),
        C("five_tier_before", "VARCHAR", nullable=True, codes=FIVE_TIERS),
        C("five_tier_after", "VARCHAR", nullable=True, codes=FIVE_TIERS),
    ), "What happened to loans that day. `amount` is what was paid out (`granted`), came in as"
       " principal and interest (`repaid`), was outstanding (`written_off`) or is owed (`arrears`)."
       " Empty where the source does not say."),
    Table("credit_cards", "state", ("card_id",), (
        C("card_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR", nullable=True),
        C("account_id", "BIGINT", nullable=True),
        C("card_type", "VARCHAR", codes=("credit", "debit")),
        C("product", "VARCHAR"),
        C("credit_limit", "DECIMAL(18,2)", nullable=True),
        C("balance", "DECIMAL(18,2)", nullable=True),
        C("statement_day", "INTEGER", nullable=True),
        C("overdue_periods", "INTEGER", nullable=True, limits=OVERDUE_PERIODS),
        C("issued_on", "DATE"),
        C("activated_on", "DATE", nullable=True),
        C("closed_on", "DATE", nullable=True),
    ), "Cards as they stand; `balance` is the amount owed. Only `credit` cards count as credit"
       " business."),
    Table("card_statements", "state", ("card_id", "statement_on"), (
        C("card_id", "BIGINT"),
        C("statement_on", "DATE"),
        C("due_on", "DATE"),
        C("amount", "DECIMAL(18,2)"),
        C("minimum_due", "DECIMAL(18,2)"),
        C("paid_on", "DATE", nullable=True),
    ), "Statements of credit cards; unpaid while `paid_on` is empty."),
    Table("card_transactions", "event", ("card_txn_id",), (
        C("card_txn_id", "BIGINT"),
        C("card_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("booked_at", "TIMESTAMP"),
        C("direction", "VARCHAR", codes=DIRECTIONS),
        C("amount", "DECIMAL(18,2)"),
        C("category", "VARCHAR", nullable=True),
    ), "Spending (debit) on and repayments (credit) to credit cards."),
)  # fmt: skip

SERVICES = (
    Table("wealth_holdings", "state", ("holding_id",), (
        C("holding_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("kind", "VARCHAR", codes=("wealth", "fund", "insurance")),
        C("product", "VARCHAR"),
        C("amount", "DECIMAL(18,2)"),
        C("bought_on", "DATE"),
        C("matures_on", "DATE", nullable=True),
        C("ended_on", "DATE", nullable=True),
    ), "Wealth, fund and insurance products held; held until `ended_on`."),
    Table("payroll_members", "state", ("employer_id", "customer_id"), (
        C("employer_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("account_id", "BIGINT"),
        C("effective_from", "DATE"),
        C("effective_until", "DATE", nullable=True),
    ), "Whose salary which business customer pays into which account."),
    Table("merchants", "state", ("merchant_id",), (
        C("merchant_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("account_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("category", "VARCHAR"),
        C("signed_on", "DATE"),
        C("ended_on", "DATE", nullable=True),
    ), "Merchants whose acquiring turnover is booked to an account."),
    Table("digital_channels", "state", ("customer_id", "channel"), (
        C("customer_id", "BIGINT"),
        C("channel", "VARCHAR", codes=("mobile", "web", "sms", "wechat", "etc")),
        C("signed_on", "DATE"),
        C("ended_on", "DATE", nullable=True),
        C("last_used_on", "DATE", nullable=True),
    ), "Digital channels a customer signed, and when it was last used."),
)  # fmt: skip

MARKETING = (
    Table("campaigns", "state", ("campaign_id",), (
        C("campaign_id", "BIGINT"),
        C("org_id", "VARCHAR"),
        C("name", "VARCHAR"),
        C("product", "VARCHAR"),
        C("starts_on", "DATE"),
        C("ends_on", "DATE"),
    ), "Campaigns of the past, as the bank's former systems recorded them."),
    Table("campaign_targets", "event", ("campaign_id", "customer_id"), (
        C("campaign_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR", nullable=True),
        C("is_control", "BOOLEAN"),
        C("listed_on", "DATE"),
    ), "Who was put on a campaign's list that day, once per campaign, and of which branch and"
       " manager he was then; `is_control` is held back from contact for comparison."),
    Table("contacts", "event", ("contact_id",), (
        C("contact_id", "BIGINT"),
        C("customer_id", "BIGINT"),
        C("campaign_id", "BIGINT", nullable=True),
        C("channel", "VARCHAR", codes=("sms", "call", "visit", "app", "wechat", "mail", "counter")),
        C("contact_class", "VARCHAR", codes=("marketing", "service", "care")),
        C("contacted_at", "TIMESTAMP"),
        C("result", "VARCHAR", nullable=True),
        C("employee_id", "VARCHAR", nullable=True),
    ), "Contacts with customers; the cap counts those of class marketing."),
    Table("coverage_locks", "state", ("customer_id",), (
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR", nullable=True),
        C("locked_on", "DATE"),
        C("locked_until", "DATE"),
        C("reason", "VARCHAR", nullable=True),
    ), "Manual assignments taken over from the former system: lead branch and manager stay until"
       " (not including) `locked_until`."),
    Table("coverage_managers", "state", ("customer_id", "branch_id"), (
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR"),
        C("assigned_on", "DATE"),
    ), "Which manager a branch's head gave the customer to; a branch without a row leaves the"
       " customer to its virtual manager."),
)  # fmt: skip

OCRM = (
    Table("private_managers", "state", ("customer_id",), (
        C("customer_id", "BIGINT"),
        C("manager_id", "VARCHAR"),
        C("assigned_on", "DATE"),
        C("ended_on", "DATE", nullable=True),
    ), "Private managers that the OCRM assigned to key customers: from `assigned_on` until (not"
       " including) `ended_on`; delivered from the day on which it holds."),
    Table("reminder_outcomes", "event", ("customer_id", "reminder_id", "ended_at"), (
        C("reminder_id", "VARCHAR"),
        C("rule_code", "VARCHAR"),
        C("customer_id", "BIGINT"),
        C("branch_id", "VARCHAR"),
        C("manager_id", "VARCHAR"),
        C("ended_at", "TIMESTAMP"),
        C("minutes_open", "INTEGER"),
        C("state", "VARCHAR", codes=("done", "expired")),
        C("outcome", "VARCHAR", nullable=True, codes=(
            "interested", "sold", "resolved", "not_interested", "not_reached", "not_relevant",
            "other",
        )),
    ), "Reminders of the OCRM that came to their end that day, at the branch and manager (or its"
       " virtual manager) that had them then; what was withdrawn, or had no owner, is left out."
       " `minutes_open` is since it was raised, the last time if it was raised again."),
)  # fmt: skip

#: Every landing table by name.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (*ORGANISATION, *CUSTOMERS, *DEPOSITS, *CREDIT, *SERVICES, *MARKETING, *OCRM)
}


def table(name: str) -> Table:
    """The landing table of that name; raises `KeyError` where there is none."""
    return TABLES[name]
