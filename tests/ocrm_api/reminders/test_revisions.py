"""What its source says of a reminder: the greatest revision holds, whatever comes first."""

from datetime import date
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from crm_shared import ids
from crm_shared.clock import now
from crm_shared.events.reminders import ReminderWithdrawn
from ocrm_api.reminders.telling import Happened
from tests.ocrm_api.conftest import Bank, raised


def said(window: str, *words: str) -> list[bytes]:
    """Messages of one reminder: `+2` raises its second revision, `-2` withdraws it."""
    rule, subject = "R01.LARGE_INFLOW", "customer:1"
    messages = []
    for word in words:
        revision = int(word[1:])
        if word[0] == "+":
            event = raised(1, window=window, revision=revision, amount=f"{revision}00000.00")
            messages.append(event.to_bytes())
        else:
            withdrawal = ReminderWithdrawn(
                event_id=uuid4(), occurred_at=now(), producer="tests", customer_id=1,
                reminder_id=ids.reminder_id(rule, subject, window), rule_code=rule,
                subject=subject, window=window, revision=revision, reason="reversed",
            )  # fmt: skip
            messages.append(withdrawal.to_bytes())
    return messages


def state(of: Bank, window: str) -> dict[str, Any]:
    """What is known of it."""
    names = "reminder_id", "status", "revision", "amount", "version", "acknowledged_by"
    row = of.execute(
        f"select {', '.join(names)} from ocrm.reminders where reminder_window = %s", window
    )[0]
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("words", [("+1", "-1", "+2"), ("+1", "-1", "+2", "-2"), ("+1", "+2")])
def test_the_order_of_arrival_changes_nothing(
    shared_bank: Bank, words: tuple[str, ...], at_once: bool
) -> None:
    last = words[-1]
    for number, order in enumerate(permutations(words)):
        window = f"txn:{''.join(words)}:{at_once}:{number}"
        messages = said(window, *order)
        for part in [messages] if at_once else [[one] for one in messages]:
            shared_bank.receive(*part)
        found = state(shared_bank, window)
        assert found["revision"] == int(last[1:]), order
        assert found["status"] == ("new" if last[0] == "+" else "withdrawn"), order


def test_a_reminder_that_is_raised_again_begins_anew(shared_bank: Bank) -> None:
    window = "txn:anew"
    shared_bank.receive(*said(window, "+1"))
    found: UUID = state(shared_bank, window)["reminder_id"]
    shared_bank.execute(
        "update ocrm.reminders set status = 'acknowledged', acknowledged_at = now(),"
        " acknowledged_by = 'M1', received_at = '2026-01-01' where reminder_id = %s", found,
    )  # fmt: skip
    assert shared_bank.receive(*said(window, "-1")).withdrawn == [found]
    assert shared_bank.receive(*said(window, "+1")).raised == []
    received = shared_bank.receive(*said(window, "+2", "+2"))
    assert (received.raised, received.changed) == ([found], [])
    again = state(shared_bank, window)
    assert (again["status"], again["acknowledged_by"], str(again["amount"])) == (
        "new", None, "200000.00",
    )  # fmt: skip
    arrived = "select received_at = waiting_since from ocrm.reminders where reminder_id = %s"
    assert shared_bank.execute(arrived, found) == [(True,)]
    noted = shared_bank.execute(
        "select action, details ->> 'from', details ->> 'to', request_id from ocrm.audit_log"
        " where subject_id = %s order by audit_id", str(found),
    )  # fmt: skip
    assert noted == [
        ("reminder.withdrawn", "acknowledged", "withdrawn", "intake"),
        ("reminder.raised_again", "withdrawn", "new", "intake"),
    ]


def test_what_has_expired_can_be_raised_again_and_what_is_done_stays_done(
    shared_bank: Bank,
) -> None:
    for status, expected in (("expired", "new"), ("done", "done")):
        window = f"txn:{status}"
        shared_bank.receive(*said(window, "+1"))
        shared_bank.execute(
            "update ocrm.reminders set status = %s, done_at = case when %s = 'done' then now() end,"
            " outcome_code = case when %s = 'done' then 'other' end where reminder_window = %s",
            status, status, status, window,
        )  # fmt: skip
        shared_bank.receive(*said(window, "+2"))
        assert state(shared_bank, window)["status"] == expected


def test_a_newer_revision_changes_what_is_open_and_keeps_its_state(shared_bank: Bank) -> None:
    window = "txn:changed"
    shared_bank.receive(*said(window, "+1"))
    shared_bank.execute(
        "update ocrm.reminders set status = 'snoozed', snoozed_until_on = %s"
        " where reminder_window = %s", date(2026, 7, 9), window,
    )  # fmt: skip
    received = shared_bank.receive(*said(window, "+3"))
    found = state(shared_bank, window)
    assert (received.changed, received.told()) == (
        [found["reminder_id"]], [Happened(found["reminder_id"], "changed")],
    )  # fmt: skip
    assert (found["status"], str(found["amount"]), found["version"]) == (
        "snoozed", "300000.00", 2,
    )  # fmt: skip
