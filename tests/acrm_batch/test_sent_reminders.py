"""The books of sent reminders: which are to be withdrawn, and until when each is due."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

from acrm_batch.batch import opened
from acrm_batch.ledger import SentReminder
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import Batch

DAY = date(2026, 1, 2)


def test_what_lies_beyond_the_days_ahead_is_not_withdrawn(bank: Bank, crm: Batch) -> None:
    bank.deliver(DAY)
    with opened(crm.settings, DAY, "run") as (_, books, _):
        due_on = DAY + timedelta(days=20)
        rule, window = "R02.LOAN_MATURES", f"due:{due_on}"
        one = SentReminder(uuid4(), rule, "loan:1", window, 1, due_on, "L1")
        books.record_reminders("before", [one])
        assert books.begin_withdrawals(DAY, "now", {(rule, "L1"): 15, (rule, "L2"): 30}) == []
        # L1 is no more: what was its own is judged by those that are.
        assert books.begin_withdrawals(DAY, "now", {(rule, "L2"): 15}) == []
        assert books.begin_withdrawals(DAY, "now", {(rule, "L1"): 30, (rule, "L2"): 15}) == [one]
        assert books.begin_withdrawals(DAY, "before", {(rule, "L1"): 30}) == []


def test_a_reminder_that_is_sent_again_is_due_when_it_was_said_last(bank: Bank, crm: Batch) -> None:
    bank.deliver(DAY)
    with opened(crm.settings, DAY, "run") as (_, books, _):
        later = DAY + timedelta(days=9)
        one = SentReminder(uuid4(), "R03.ARREARS", "loan:1", "month:2026-01", 1, DAY, "L1")
        books.record_reminders("before", [one])
        books.record_reminders("again", [replace(one, due_on=later, legal_entity_id="L2")])
        assert crm.query("select due_on, legal_entity_id from acrm.sent_reminders") == [
            (later, "L2")
        ]
