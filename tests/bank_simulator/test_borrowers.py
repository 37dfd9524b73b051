"""Ordinary borrowers of a generated bank: who pays late catches up, who does not is written off."""

from collections.abc import Iterator
from datetime import date

import pytest

from bank_simulator.generate import generate
from bank_simulator.plan import Plan
from tests.bank_simulator.world import World, open_world

pytestmark = pytest.mark.slow

PLAN = Plan(customers=20_000, first=date(2026, 1, 1), last=date(2026, 5, 1), seed=5)


@pytest.fixture(scope="module")
def borrowers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A bank that is large enough for what few borrowers do."""
    bank = tmp_path_factory.mktemp("borrowers") / "bank"
    generate(PLAN, bank)
    opened = open_world(bank, PLAN)
    yield opened
    opened.connection.close()


def test_an_instalment_paid_late_puts_its_loan_overdue_until_it_is_paid(borrowers: World) -> None:
    late = "FROM @loan_schedules AS i JOIN @loans AS l USING (loan_id) WHERE paid_on > due_on"
    assert len(borrowers.rows(f"SELECT DISTINCT month(due_on) {late}")) >= 3
    assert borrowers.rows(f"SELECT loan_id {late} AND paid_on - due_on NOT BETWEEN 2 AND 25") == []
    told = "SELECT loan_id, business_date FROM loans_delivered WHERE days_overdue"
    assert borrowers.rows(f"SELECT loan_id, paid_on - 1 {late} EXCEPT {told} > 0") == []
    paid = f"SELECT loan_id, paid_on {late}"
    caught_up = f"{told} = 0 AND last_overdue_on = business_date - 1"
    assert borrowers.rows(f"{paid} EXCEPT {caught_up}") == []


def test_what_is_written_off_is_what_was_not_repaid(borrowers: World) -> None:
    lost = (
        "FROM loan_events_delivered AS happened JOIN @loans AS l USING (loan_id)"
        " WHERE change = 'written_off' AND l.customer_id IN"
        " (SELECT customer_id FROM planted_coverage WHERE \"case\" = 'ordinary')"
    )
    assert borrowers.rows(f"SELECT loan_id {lost} AND balance < l.amount") != []
    wrong = "happened.amount <> balance OR status <> 'written_off' OR next_due_on IS NOT NULL"
    assert borrowers.rows(f"SELECT loan_id {lost} AND ({wrong})") == []
