"""A publication takes open reminders to another manager: he is told of them as of new ones."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from ocrm_api.reminders import outbox, routing
from ocrm_api.reminders.telling import Happened
from ocrm_api.scope import UNROUTED
from tests.ocrm_api.conftest import Api
from tests.ocrm_api.notifications.conftest import Desk, at
from tests.ocrm_api.notifications.test_composing import CALM, URGENT, change, told, waiting

SEEN_LATER = "2199-01-01T09:00"


def lead(desk: Desk, customer_id: int, manager_id: str, branch_id: str = "B1") -> None:
    """Let another manager lead a customer, and route what is open as the intake does."""
    desk.bank.execute(
        "update acrm.coverage set manager_id = %s, lead_branch_id = %s, branch_id = %s"
        " where customer_id = %s and role = 'lead'", manager_id, branch_id, branch_id, customer_id,
    )  # fmt: skip
    with psycopg.connect(desk.bank.database.ocrm_app) as connection:
        part = routing.reroute(connection, routing.current(connection, None))
        outbox.add(connection, [Happened(one, "routed") for one in part.given])


def raised_for(desk: Desk, manager_id: str, **became: Any) -> UUID:
    """A reminder of customer 4, whom this manager leads, and what has become of it."""
    lead(desk, 4, manager_id)
    reminder = desk.bank.raise_reminder(4, CALM)
    desk.bank.execute("delete from ocrm.notification_items")
    change(desk, reminder, **became)
    return reminder


def test_what_nobody_had_is_told_to_its_first_manager_as_if_it_were_new(desk: Desk) -> None:
    for customer, rule in ((8, URGENT), (8, CALM), (97, URGENT)):
        desk.bank.raise_reminder(customer, rule, "B2")
    unrouted = desk.bank.raise_reminder(9, URGENT, "B3")
    change(desk, unrouted, owner_id=None, lead_branch_id=UNROUTED, branch_id=UNROUTED)
    desk.bank.execute("delete from ocrm.notification_items")
    lead(desk, 8, "M2", "B2")
    desk.turn()
    assert sorted(told(desk)) == [
        ("M2", "urgent", {URGENT: 1}), ("M3", "urgent", {URGENT: 1}),
    ]  # fmt: skip
    desk.turn("2026-07-02T09:00")
    assert told(desk)[2:] == [("M2", "digest", {CALM: 1})]
    assert waiting(desk) == 0


@pytest.mark.parametrize(
    "became",
    [
        {"status": "new"},
        {"status": "seen", "seen_by": "M1", "seen_at": at("2026-06-30T09:00")},
        {"status": "acknowledged", "acknowledged_by": "M1",
         "acknowledged_at": at("2026-06-30T09:00")},
    ],
    ids=["new", "seen", "acknowledged"],
)  # fmt: skip
def test_what_is_open_is_told_to_who_leads_the_customer_now_whatever_his_forerunner_did(
    desk: Desk, became: dict[str, Any]
) -> None:
    raised_for(desk, "M1", **became)
    lead(desk, 4, "N1")
    desk.turn("2026-07-02T09:00")
    assert told(desk) == [("N1", "digest", {CALM: 1})]


@pytest.mark.parametrize("column", ["seen_at", "acknowledged_at"])
def test_what_the_new_owner_has_looked_at_by_then_is_not_told(desk: Desk, column: str) -> None:
    reminder = raised_for(desk, "M1", status="seen", seen_at=at("2026-06-30T09:00"))
    lead(desk, 4, "N1")
    change(desk, reminder, status="acknowledged", **{column: at(SEEN_LATER)})
    assert (waiting(desk), desk.turn("2026-07-02T09:00").made, waiting(desk)) == (1, 0, 0)


def test_nobody_is_told_of_what_only_changed_its_branch_or_is_closed_or_nobodys(
    desk: Desk,
) -> None:
    raised_for(desk, "M1", status="new")
    lead(desk, 4, "M1", "B3")
    raised_for(desk, "M1", status="withdrawn")
    lead(desk, 4, "V:B1")
    assert waiting(desk) == 0


async def test_what_was_put_off_is_told_to_the_new_owner_on_its_day(api: Api, desk: Desk) -> None:
    raised_for(
        desk, "M1", status="snoozed", snoozed_until_on=date(2026, 7, 1), acknowledged_by="M1",
        acknowledged_at=at("2026-06-29T09:00"), snoozed_at=at("2026-06-29T09:00"),
    )  # fmt: skip
    lead(desk, 4, "N1")
    assert waiting(desk) == 0
    while await api.app.state.timekeeper.turn(at("2026-07-01T00:01")):
        pass
    desk.came("2026-07-01T00:01")
    await asyncio.to_thread(desk.turn)
    assert told(desk) == [("N1", "digest", {CALM: 1})]


def test_what_waits_for_a_channel_is_told_to_the_new_owner_alone(desk: Desk) -> None:
    desk.bank.raise_reminder(6, URGENT)
    desk.notifier()._compose(at("2026-07-01T10:00"), None, desk.notifier()._gap)
    lead(desk, 6, "N1")
    desk.turn()
    assert told(desk) == [("N1", "urgent", {URGENT: 1})]


def test_only_a_reminder_of_the_same_owner_mutes(desk: Desk) -> None:
    muted = desk.bank.raise_reminder(5, "R01.LARGE_OUTFLOW")
    loud = desk.bank.raise_reminder(5, "R01.ACCOUNT_CLOSED")
    change(desk, loud, owner_id="V:B1")
    desk.turn()
    assert told(desk) == [("M1", "urgent", {"R01.LARGE_OUTFLOW": 1})]
    change(desk, loud, owner_id="M1")
    change(desk, muted, version=2)
    desk.bank.execute("truncate ocrm.notifications")
    desk.bank.execute(
        "insert into ocrm.notification_items (reminder_id, version, rule_code, priority)"
        " values (%s, 2, 'R01.LARGE_OUTFLOW', 1)", muted,
    )  # fmt: skip
    assert desk.turn().made == 0
