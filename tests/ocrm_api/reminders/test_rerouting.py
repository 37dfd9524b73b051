"""After a publication the intake brings reminders to who leads their customers now."""

from datetime import date
from typing import Any

import psycopg
import pytest

from ocrm_api.reminders import routing
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Bank, raised
from tests.ocrm_api.reminders.conftest import Line
from tests.ocrm_api.reminders.test_receiving import reroute, reroute_closed

CLOSE = "update ocrm.reminders set status = 'done', done_at = now(), outcome_code = 'other'"
PLACE = "select run_id, customer_id from ocrm.closed_routes"


def led(customer_id: int, branch_id: str, manager_id: str) -> dict[str, Any]:
    """A row of coverage."""
    return {
        "customer_id": customer_id, "lead_branch_id": branch_id, "branch_id": branch_id,
        "role": "lead", "manager_id": manager_id, "rule": "deposit", "is_key_customer": False,
        "deposit_balance": 1, "loan_balance": 0,
    }  # fmt: skip


def publish(of: Bank, day: int, *coverage: dict[str, Any]) -> None:
    """Publish another day of July with this coverage."""
    bank.publish(of.database.acrm_owner, date(2026, 7, day), {"coverage": list(coverage)})


def leads(of: Bank) -> list[str]:
    """The branches that lead, by customer."""
    rows = of.execute("select lead_branch_id from ocrm.reminders order by customer_id, reminder_id")
    return [row[0] for row in rows]


def run_of(of: Bank, day: int) -> Any:
    """The id of the publication of a day of July."""
    return of.execute(
        "select run_id from acrm.publications where business_date = %s", date(2026, 7, day)
    )[0][0]


def test_what_is_closed_has_its_turn_in_rounds_which_go_on_where_another_stopped(
    own_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "REROUTED_AT_ONCE", 2)
    for customer in (4, 5, 6, 7, 10):
        own_bank.raise_reminder(customer)
    own_bank.execute(CLOSE)
    customers = (4, 5, 6, 7, 10)
    publish(own_bank, 1, *(led(one, "B2", "M2") for one in customers))
    first = run_of(own_bank, 1)
    assert (reroute_closed(own_bank), own_bank.execute(PLACE)) == ("more", [(first, 5)])
    assert leads(own_bank) == ["B2", "B2", "B1", "B1", "B1"]
    publish(own_bank, 2, *(led(one, "B3", "M3") for one in customers))
    assert [reroute_closed(own_bank) for _ in range(2)] == ["more", "more"]
    assert leads(own_bank) == ["B2", "B2", "B3", "B3", "B3"]
    assert [reroute_closed(own_bank) for _ in range(5)] == ["more"] * 4 + ["over"]
    assert leads(own_bank) == ["B3"] * 5
    assert own_bank.execute(PLACE) == [(run_of(own_bank, 2), None)]
    own_bank.execute("update ocrm.reminders set lead_branch_id = 'B1'")
    assert (reroute_closed(own_bank), leads(own_bank)) == ("over", ["B1"] * 5)


#: A state, by whom it was seen and taken up; and what is left where it came from M1 to N1.
HANDS = [
    (("new", None, None), ("new", None, None)),
    (("seen", "M1", None), ("new", None, None)),
    (("seen", "N1", None), ("seen", "N1", None)),
    (("acknowledged", "M1", "M1"), ("new", None, None)),
    (("acknowledged", "N1", "H1"), ("seen", "N1", None)),
    (("acknowledged", "M1", "N1"), ("acknowledged", "M1", "N1")),
    (("snoozed", "M1", "M1"), ("snoozed", None, None)),
]


def test_what_somebody_else_took_up_is_new_to_the_new_owner(own_bank: Bank) -> None:
    """He may have taken it up himself, as one of the branch, before he got the customer."""
    state = "status, seen_by, acknowledged_by"
    of = {}
    for before, after in HANDS:
        one = own_bank.raise_reminder(4)
        of[one] = (before, after)
        own_bank.execute(
            f"update ocrm.reminders set ({state}) = (%s, %s, %s),"
            " seen_at = case when %s::text is not null then now() end,"
            " acknowledged_at = case when %s::text is not null then now() end,"
            " snoozed_until_on = case when %s = 'snoozed' then date '2026-08-01' end,"
            " escalated_at = now(), escalated_to = 'H1' where reminder_id = %s",
            *before, *before[1:], before[0], one,
        )  # fmt: skip
    publish(own_bank, 1, led(4, "B1", "N1"))
    assert {one for part in reroute(own_bank) for one in part} == of.keys()
    found = own_bank.execute(
        f"select reminder_id, {state}, (seen_at is null) = (seen_by is null)"
        " and (acknowledged_at is null) = (acknowledged_by is null) and escalated_at is null"
        " from ocrm.reminders where owner_id = 'N1'"
    )
    assert {row[0]: (row[1:4], row[4]) for row in found} == {
        one: (after, True) for one, (_, after) in of.items()
    }
    audited = own_bank.execute(
        "select subject_id, details->>'from', details->>'seen_by', details->>'acknowledged_by',"
        " details->>'owner_before', details->>'owner_id' from ocrm.audit_log"
        " where action = 'reminder.routed'"
    )
    assert {row[0]: row[1:] for row in audited} == {
        str(one): (*before, "M1", "N1")
        for one, (before, after) in of.items() if before[1:] != after[1:]
    }  # fmt: skip
    assert reroute(own_bank) == []


def test_one_process_at_a_time_routes_what_is_closed(own_bank: Bank) -> None:
    own_bank.raise_reminder(4)
    own_bank.execute(CLOSE)
    publish(own_bank, 1, led(4, "B2", "M2"))
    with psycopg.connect(own_bank.database.ocrm_app) as first:
        published = routing.current(first, None)
        assert routing.reroute_closed(first, published) == "more"
        assert reroute_closed(own_bank) == "elsewhere"
    assert reroute_closed(own_bank) == "over"


def test_before_a_publication_nothing_is_routed(own_bank: Bank) -> None:
    own_bank.execute("truncate acrm.publications")
    assert (reroute_closed(own_bank), own_bank.execute(PLACE)) == ("over", [(None, None)])


def test_a_part_of_what_is_closed_is_found_by_an_index(own_bank: Bank) -> None:
    own_bank.raise_reminder(1)
    own_bank.execute(CLOSE)
    own_bank.execute(
        "insert into ocrm.reminders select (jsonb_populate_record(r, jsonb_build_object("
        " 'reminder_id', gen_random_uuid(), 'customer_id', number))).*"
        " from ocrm.reminders r, generate_series(1, 20000) number"
    )
    own_bank.execute("analyze ocrm.reminders")
    with psycopg.connect(own_bank.database.ocrm_app) as opened:
        parameters = routing.current(opened, None).parameters()
        parameters |= routing.BEGINNING._asdict() | {"customer_id": 10_000, "limit": 2_000}
        opened.execute(routing.IN_ORDER)
        rows = opened.execute("explain " + routing._REROUTE_CLOSED, parameters).fetchall()
    plan = [line for (line,) in rows]
    assert any("Index Scan using reminders_of_customer" in line for line in plan), plan


@pytest.mark.kafka
def test_the_new_owner_is_notified_and_what_is_closed_is_seen_by_the_new_branch(line: Line) -> None:
    nobodys, kept, given, closed = (
        raised(8, branch_id="B2"),
        raised(9, branch_id="B3"),
        raised(4),
        raised(4),
    )
    line.publish([one.to_bytes() for one in (nobodys, kept, given, closed)])
    first = line.start()
    line.start()
    line.wait(lambda: line.taken_in() == 4)
    line.bank.execute(f"{CLOSE} where reminder_id = '{closed.reminder_id}'")
    line.bank.execute(
        f"delete from ocrm.notification_items where reminder_id = '{closed.reminder_id}'"
    )
    noted = "select reminder_id, version from ocrm.notification_items order by 1, 2"
    assert {row[0] for row in line.bank.execute(noted)} == {kept.reminder_id, given.reminder_id}
    publish(line.bank, 1, led(8, "B2", "M2"), led(9, "B1", "M3"), led(4, "B2", "N1"))
    routed = "select count(*) from ocrm.reminder_events where kind = 'routed'"
    line.wait(lambda: line.bank.execute(PLACE) == [(run_of(line.bank, 1), None)])
    line.wait(lambda: line.bank.execute(routed) == [(3,)])
    assert set(line.bank.execute(noted)) == {
        (nobodys.reminder_id, 2), (kept.reminder_id, 1), (given.reminder_id, 1),
        (given.reminder_id, 2),
    }  # fmt: skip
    where = "select lead_branch_id, owner_id, version from ocrm.reminders where reminder_id = %s"
    assert line.bank.execute(where, closed.reminder_id) == [("B2", "M1", 1)]
    first.kill()
    publish(line.bank, 2, led(4, "B3", "M3"))
    line.wait(lambda: line.bank.execute(where, closed.reminder_id) == [("B3", "M1", 1)])
