"""Accounting identities of the generated bank, to the cent."""

import duckdb

from tests.bank_simulator.conftest import rows

SIGNED = "CASE direction WHEN 'credit' THEN amount ELSE -amount END"


def test_a_balance_is_the_one_before_plus_what_moved(landing: duckdb.DuckDBPyConnection) -> None:
    broken = f"""
        WITH moved AS (
            SELECT account_id, business_date, sum({SIGNED}) AS net
            FROM transactions_delivered GROUP BY ALL
        ), steps AS (
            SELECT account_id, business_date, balance,
                lag(balance) OVER (PARTITION BY account_id ORDER BY business_date) AS before
            FROM balances_delivered
        )
        SELECT account_id FROM steps LEFT JOIN moved USING (account_id, business_date)
        WHERE before IS NOT NULL AND balance <> before + coalesce(net, 0)"""
    assert rows(landing, broken) == []


def test_whatever_moved_is_delivered(landing: duckdb.DuckDBPyConnection) -> None:
    assert rows(landing, """
        SELECT account_id, business_date FROM transactions_delivered
        EXCEPT SELECT account_id, business_date FROM balances_delivered""") == []  # fmt: skip


def test_an_account_opened_in_the_period_starts_from_nothing(
    landing: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(landing, f"""
        SELECT account_id FROM balances_delivered
        JOIN (SELECT DISTINCT account_id, opened_on FROM deposit_accounts_delivered)
            USING (account_id)
        LEFT JOIN (SELECT account_id, business_date, sum({SIGNED}) AS net
                   FROM transactions_delivered GROUP BY ALL) USING (account_id, business_date)
        WHERE business_date = opened_on AND balance <> coalesce(net, 0)""") == []  # fmt: skip


def test_no_balance_is_ever_negative(landing: duckdb.DuckDBPyConnection) -> None:
    assert rows(landing, "FROM balances_delivered WHERE balance < 0") == []


def test_a_closed_account_is_empty(landing: duckdb.DuckDBPyConnection) -> None:
    assert rows(landing, """SELECT account_id FROM deposit_accounts JOIN balances USING (account_id)
        WHERE closed_on IS NOT NULL AND balance <> 0""") == []  # fmt: skip


def test_every_day_balances_to_zero_with_the_general_ledger(
    landing: duckdb.DuckDBPyConnection,
) -> None:
    assert rows(landing, f"""
        SELECT business_date FROM (
            SELECT business_date, sum({SIGNED}) AS net FROM transactions_delivered GROUP BY ALL
            UNION ALL
            SELECT business_date, sum(credit - debit) FROM gl_totals_delivered GROUP BY ALL)
        GROUP BY business_date HAVING sum(net) <> 0""") == []  # fmt: skip


def test_entries_of_a_journal_balance_to_zero(landing: duckdb.DuckDBPyConnection) -> None:
    unbalanced = f"""
        SELECT journal_id FROM transactions_delivered WHERE journal_id IS NOT NULL
        GROUP BY journal_id, business_date HAVING sum({SIGNED}) <> 0 OR count(*) < 2"""
    assert rows(landing, unbalanced) == []


def test_a_booking_is_delivered_on_its_bank_date(landing: duckdb.DuckDBPyConnection) -> None:
    for table, column in (
        ("transactions", "booked_at"), ("contacts", "contacted_at"),
        ("loan_events", "occurred_at"), ("card_transactions", "booked_at"),
    ):  # fmt: skip
        assert rows(landing, f"""FROM {table}_delivered
            WHERE CAST({column} + INTERVAL 8 HOUR AS DATE) <> business_date""") == []  # fmt: skip


def test_a_schedule_adds_up_to_its_loan(landing: duckdb.DuckDBPyConnection) -> None:
    assert rows(landing, """
        SELECT loan_id FROM loans AS l JOIN (
            SELECT loan_id, sum(principal) AS planned,
                coalesce(sum(principal) FILTER (paid_on IS NULL), 0) AS unpaid
            FROM loan_schedules GROUP BY loan_id) USING (loan_id)
        WHERE planned <> amount OR balance <> unpaid""") == []  # fmt: skip
    assert (
        rows(landing, "SELECT loan_id FROM loans EXCEPT SELECT loan_id FROM loan_schedules") == []
    )


def test_a_credit_card_owes_what_was_spent_and_not_repaid(
    landing: duckdb.DuckDBPyConnection,
) -> None:
    wrong = """
        WITH moved AS (
            SELECT card_id, business_date,
                sum(CASE direction WHEN 'debit' THEN amount ELSE -amount END) AS net
            FROM card_transactions_delivered GROUP BY ALL
        ), steps AS (
            SELECT card_id, business_date, balance,
                lag(balance) OVER (PARTITION BY card_id ORDER BY business_date) AS before
            FROM credit_cards_delivered WHERE card_type = 'credit' AND statement_day IS NOT NULL
        )
        SELECT card_id FROM steps LEFT JOIN moved USING (card_id, business_date)
        WHERE balance < 0 OR before IS NOT NULL AND balance <> before + coalesce(net, 0)"""
    assert rows(landing, wrong) == []


def test_salaries_leave_the_employer_as_they_arrive(landing: duckdb.DuckDBPyConnection) -> None:
    paid, received = rows(landing, """
        SELECT sum(amount) FILTER (direction = 'debit'), sum(amount) FILTER (direction = 'credit')
        FROM transactions_delivered
        WHERE txn_type = 'payroll' AND journal_id IS NOT NULL""")[0]  # fmt: skip
    assert paid == received
    assert paid is not None


def test_ordinary_amounts_keep_far_from_the_thresholds(landing: duckdb.DuckDBPyConnection) -> None:
    """Whatever is large was planted."""
    assert rows(landing, """
        SELECT txn_id FROM transactions_delivered
        WHERE amount >= 400000 AND txn_type NOT IN ('deposit_open', 'deposit_close',
            'loan_drawdown', 'loan_repayment', 'wealth_buy', 'wealth_redeem', 'card_repayment',
            'interest', 'fee', 'sanction_interest')
          AND customer_id IN (SELECT customer_id FROM planted_coverage WHERE "case" = 'ordinary')
    """) == []  # fmt: skip
