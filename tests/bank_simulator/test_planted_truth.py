"""The planted answers are complete and true of the files, by the text of docs/rules.md.

Coverage needs the history of leads; the tests of acrm-batch hold it against the same answers.
"""

import json
from pathlib import Path

import duckdb
import pytest

from bank_simulator.answers import PARAMETERS
from bank_simulator.cases import all_cases
from bank_simulator.plan import Plan
from tests.bank_simulator.conftest import rows

AVERAGE_TIMES_30 = """
    SELECT customer_id, sum(balance * greatest(0,
        least(until, $as_of + 1) - greatest(since, $as_of - 29))) AS total
    FROM (SELECT account_id, balance, business_date AS since,
              coalesce(lead(business_date) OVER (PARTITION BY account_id ORDER BY business_date),
                       DATE '9999-12-31') AS until
          FROM balances_delivered)
    JOIN deposit_accounts USING (account_id)
    WHERE since <= $as_of AND (closed_on IS NULL OR closed_on > $as_of)
    GROUP BY customer_id"""

KEY_CUSTOMERS = f"""
    WITH deposits AS ({AVERAGE_TIMES_30}), credit AS (
        SELECT customer_id, sum(balance) FILTER (status = 'running') AS owed,
            bool_and(coalesce(interest_arrears, 0) = 0 AND coalesce(days_overdue, 0) = 0
                AND coalesce(last_overdue_on <= $as_of - INTERVAL 1 YEAR, true)) AS clean
        FROM loans GROUP BY customer_id
    )
    SELECT customer_id, CASE WHEN total >= 15000000 THEN 'deposit' ELSE 'loan' END AS basis
    FROM customers LEFT JOIN deposits USING (customer_id) LEFT JOIN credit USING (customer_id)
    WHERE status = 'active' AND (total >= 15000000 OR owed >= 1000000 AND clean)"""

DUE = """
    SELECT rule_code, customer_id, subject, due_on, amount, branch_id FROM (
        SELECT 'R02.LOAN_MATURES' AS rule_code, 30 AS ahead, customer_id,
            'loan:' || loan_id AS subject, matures_on AS due_on, balance AS amount, branch_id
        FROM loans WHERE status = 'running'
        UNION ALL
        SELECT 'R02.REPAYMENT_DUE', 7, customer_id, 'loan:' || loan_id, due_on,
            principal + interest, branch_id
        FROM loan_schedules JOIN loans USING (loan_id) WHERE status = 'running' AND paid_on IS NULL
        UNION ALL
        SELECT 'R02.CARD_REPAYMENT_DUE', 3, customer_id, 'card:' || card_id, due_on, amount,
            branch_id
        FROM card_statements JOIN credit_cards USING (card_id)
        WHERE card_type = 'credit' AND (closed_on IS NULL OR closed_on > $as_of) AND paid_on IS NULL
            AND amount > 0
        UNION ALL
        SELECT 'R02.DEPOSIT_MATURES', 15, customer_id, 'account:' || account_id, matures_on,
            balance, branch_id
        FROM deposit_accounts JOIN balances USING (account_id)
        WHERE product <> 'demand' AND (closed_on IS NULL OR closed_on > $as_of)
        UNION ALL
        SELECT 'R02.WEALTH_MATURES', 15, customer_id, 'holding:' || holding_id, matures_on, amount,
            branch_id
        FROM wealth_holdings WHERE ended_on IS NULL OR ended_on > $as_of
        UNION ALL
        SELECT 'R02.DOCUMENT_EXPIRES', 30, customer_id, 'customer:' || customer_id,
            document_expires_on, NULL, NULL FROM customers
        UNION ALL
        SELECT 'R02.RISK_PROFILE_EXPIRES', 30, customer_id, 'customer:' || customer_id,
            risk_profile_expires_on, NULL, NULL FROM customers WHERE risk_profile IS NOT NULL
    ) WHERE due_on > $as_of AND due_on <= $as_of + ahead
        AND customer_id IN (SELECT customer_id FROM customers WHERE status = 'active')"""

OVER_CONTACT = """
    SELECT customer_id, count(*) FROM contacts_delivered
    WHERE contact_class = 'marketing'
        AND CAST(contacted_at + INTERVAL 8 HOUR AS DATE) BETWEEN $as_of - 29 AND $as_of
    GROUP BY customer_id HAVING count(*) > 4"""

MOVEMENTS = """
    WITH moving AS (
        SELECT t.*, c.customer_type
        FROM transactions_delivered AS t JOIN customers AS c USING (customer_id)
        WHERE reverses_txn_id IS NULL AND txn_type NOT IN ('deposit_open', 'deposit_close',
            'interest', 'fee', 'sanction_interest', 'loan_drawdown', 'loan_repayment',
            'card_repayment', 'wealth_buy', 'wealth_redeem')
    ), outgoing AS (
        SELECT customer_id, business_date,
            count(*) OVER (PARTITION BY customer_id ORDER BY booked_at
            RANGE BETWEEN INTERVAL '23:59:59.999999' PRECEDING AND CURRENT ROW) AS transfers
        FROM moving WHERE direction = 'debit' AND counterparty_bank IS NOT NULL
    ), found AS (
        SELECT business_date, CASE direction WHEN 'credit' THEN 'R01.LARGE_INFLOW'
                ELSE 'R01.LARGE_OUTFLOW' END AS rule_code,
            customer_id, 'customer:' || customer_id AS subject, 'txn:' || txn_id AS occasion
        FROM moving
        WHERE amount >= CASE customer_type WHEN 'individual' THEN 500000 ELSE 5000000 END
        UNION ALL
        SELECT DISTINCT business_date, 'R01.FREQUENT_TRANSFERS_OUT', customer_id,
            'customer:' || customer_id, 'day:' || business_date FROM outgoing WHERE transfers >= 5
        UNION ALL
        SELECT DISTINCT closed_on, 'R01.ACCOUNT_CLOSED', customer_id, 'account:' || account_id,
            'closed:' || closed_on FROM deposit_accounts_delivered WHERE closed_on IS NOT NULL
    )
    FROM found WHERE business_date >= $as_of - 1"""


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("SELECT customer_id, basis FROM planted_key_customers WHERE key", KEY_CUSTOMERS),
        ("SELECT rule_code, customer_id, subject, due_on, amount, branch_id "
         "FROM planted_due_reminders", DUE),
        ("SELECT customer_id, contacts FROM planted_over_contact", OVER_CONTACT),
        ('SELECT business_date, rule_code, customer_id, subject, "window" '
         "FROM planted_movements WHERE expected", MOVEMENTS),
    ],
    ids=["key customers", "due reminders", "over contact", "movements"],
)  # fmt: skip
def test_the_files_say_what_was_planted(
    landing: duckdb.DuckDBPyConnection, plan: Plan, planted: str, found: str
) -> None:
    truth = set(rows(landing, planted))
    assert set(rows(landing, found.replace("$as_of", f"DATE '{plan.as_of}'"))) == truth
    assert truth


def test_no_refused_movement_is_expected_as_well(landing: duckdb.DuckDBPyConnection) -> None:
    same = 'rule_code, subject, "window"'
    assert rows(landing, f"""SELECT {same} FROM planted_movements WHERE NOT expected
        INTERSECT SELECT {same} FROM planted_movements WHERE expected""") == []  # fmt: skip


def test_every_active_customer_has_one_lead_and_nobody_else_any(
    landing: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(landing, """SELECT customer_id FROM planted_coverage WHERE role = 'lead'
        GROUP BY customer_id HAVING count(*) > 1""") == []  # fmt: skip
    covered = "SELECT DISTINCT customer_id FROM planted_coverage"
    active = "SELECT customer_id FROM customers WHERE status = 'active'"
    assert set(rows(landing, covered)) == set(rows(landing, active))


def test_a_planted_manager_works_at_the_branch_or_is_virtual(
    landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    assert rows(landing, f"""
        SELECT manager_id, branch_id FROM planted_coverage WHERE manager_id NOT LIKE 'V:%'
        EXCEPT SELECT employee_id, home_org_id FROM employees
        WHERE left_on IS NULL OR left_on > DATE '{plan.as_of}'""") == []  # fmt: skip
    assert rows(landing, """FROM planted_coverage
        WHERE manager_id LIKE 'V:%' AND manager_id <> 'V:' || branch_id""") == []  # fmt: skip


def test_every_case_is_planted(landing: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    planned = {case.name for case in all_cases(plan.dates) if case.coverage}
    planted = {name for (name,) in rows(landing, 'SELECT DISTINCT "case" FROM planted_coverage')}
    assert planted == planned | {"ordinary"}


def test_threshold_cases_stand_exactly_on_their_thresholds(
    landing: duckdb.DuckDBPyConnection, plan: Plan
) -> None:
    query = AVERAGE_TIMES_30.replace("$as_of", f"DATE '{plan.as_of}'")
    totals = {customer: total for customer, total in rows(landing, query)}  # noqa: C416

    def of(case: str) -> set[str]:
        named = rows(landing, f"SELECT customer_id FROM planted_coverage WHERE \"case\" = '{case}'")
        return {str(totals[customer]) for (customer,) in named}

    assert of("average_of_exactly_500000") == {"15000000.00"}
    assert of("average_one_cent_short_on_one_day") == {"14999999.99"}


def test_the_parameters_are_those_of_the_rules(bank: Path) -> None:
    written = json.loads((bank / "answers" / "parameters.json").read_text(encoding="utf-8"))
    assert written == PARAMETERS
    docs = Path(__file__).parents[2] / "docs"
    pages = [docs / "rules.md", *sorted((docs / "rules").glob("*.md"))]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    for code, value in PARAMETERS.items():
        assert f"| {code} | {value} |" in text
