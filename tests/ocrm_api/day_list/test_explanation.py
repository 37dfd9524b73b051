"""What became of a reminder and why: what operations see, and what they do not."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

from crm_shared.events.reminders import ReminderWithdrawn
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, raised
from tests.ocrm_api.day_list.test_day_list import days, set_parameter
from tests.ocrm_api.platform.test_commands import run

Headers = Callable[..., dict[str, str]]
ENGLISH = {"Accept-Language": "en"}


def path_of(reminder_id: UUID) -> str:
    """Where its explanation is."""
    return f"/v1/intake/reminders/{reminder_id}/explanation"


async def explained(api: Api, reminder_id: UUID) -> dict[str, Any]:
    """The explanation in English."""
    found: dict[str, Any] = await api.get("OP", path_of(reminder_id), headers=ENGLISH)
    return found


async def test_it_says_to_whom_it_was_routed_and_why(api: Api, shared_bank: Bank) -> None:
    lead = await explained(api, shared_bank.raise_reminder(1, branch_id="B2"))
    assert (lead["owner_id"], lead["lead_branch_id"], lead["branch_id"]) == ("M1", "B1", "B2")
    assert lead["routed_by"] == str(bank.DAY)
    assert lead["sentences"][:2] == [
        f"It is M1's, who leads the customer at branch B1 (coverage of {bank.DAY}).",
        "Branch B2, whose business it is, sees it too.",
    ]
    nobody = await explained(api, shared_bank.raise_reminder(999, branch_id="B2"))
    assert nobody["owner_id"] == "V:B2"
    assert "virtual manager's of branch B2" in nobody["sentences"][0]
    unrouted = await explained(api, shared_bank.raise_reminder(999, branch_id=None))
    assert (unrouted["owner_id"], unrouted["day_list"]) == (None, None)
    assert unrouted["sentences"][0].startswith("No branch was found for it")


async def test_it_says_what_mutes_it_and_where_it_stands_in_the_list(
    own_api: Api, own_bank: Bank
) -> None:
    set_parameter(own_bank, "day_list.budget", 1, "L1")
    same = {"subject": "loan:5", "business_date": days(0)}
    due = own_bank.raise_reminder(5, "R02.REPAYMENT_DUE", due_on=days(1), **same)
    alone = await explained(own_api, due)
    assert alone["muted_by"] == []
    overdue = own_bank.raise_reminder(5, "R03.OVERDUE", amount="5000000.00", **same)
    muted = await explained(own_api, due)
    assert muted["muted_by"] == [
        {"reminder_id": str(overdue), "rule_code": "R03.OVERDUE", "status": "new"}
    ]
    assert f"It is muted by reminder {overdue} (R03.OVERDUE)" in muted["sentences"][1]
    assert muted["day_list"]["group"] == [str(overdue), str(due)]
    assert muted["day_list"]["above_line"] is True
    other = own_bank.raise_reminder(4, "R04.TIER_UP", amount=None, business_date=days(-9))
    beyond = await explained(own_api, other)
    assert (beyond["day_list"]["rank"], beyond["day_list"]["above_line"]) == (2, False)
    assert beyond["day_list"]["budget"] == {"customers": 1, "seen_to": 0, "left": 1}
    assert "number 2 in today's list of M1" in beyond["sentences"][1]
    assert beyond["sentences"][1].endswith("so it is beyond it, below the line.")
    listed = (await own_api.get("M1", "/v1/day-list"))["items"]
    assert [one["rank"] for one in listed if one["customer_id"] == 4] == [2]


async def test_it_says_who_did_what_with_it_and_what_withdrew_it(
    api: Api, shared_bank: Bank, step: Headers
) -> None:
    event = raised(6, "R01.LARGE_INFLOW", "B1", producer="alerting")
    shared_bank.receive(event.to_bytes())
    path = f"/v1/reminders/{event.reminder_id}"
    body = {"until_on": str(days(3)), "until_event": "contacted"}
    codes = await api.get("M1", "/v1/reminders/codes")
    body["until_event"] = codes["waking_events"][0]["code"]
    done = await api.call("M1", "POST", f"{path}:snooze", headers=step(), json=body)
    assert done.status_code == 200
    snoozed = await explained(api, event.reminder_id)
    assert f"It is snoozed until {days(3)}, or until {body['until_event']}" in str(
        snoozed["sentences"]
    )
    shared_bank.receive(withdrawal_of(event))
    gone = await explained(api, event.reminder_id)
    assert (gone["status"], gone["withdrawn_by"], gone["day_list"]) == (
        "withdrawn", "alerting", None,
    )  # fmt: skip
    assert gone["sentences"][-1].startswith("Its source alerting withdrew it: ")
    assert [(one["event"], one["employee_id"]) for one in gone["history"]] == [
        ("snoozed", "M1"), ("withdrawn", None),
    ]  # fmt: skip
    assert [(one["source"], one["withdrawn"]) for one in gone["sources"]] == [("alerting", True)]


async def test_it_never_tells_what_a_source_wrote(api: Api, shared_bank: Bank) -> None:
    event = raised(1)
    shared_bank.receive(event.to_bytes(), withdrawal_of(event))
    gone = await explained(api, event.reminder_id)
    assert (gone["withdrawn_by"], gone["withdrawn_reason"]) == ("tests", None)
    assert gone["sentences"][-1] == "Its source tests withdrew it."
    assert "reversed or corrected" not in json.dumps(gone)


def withdrawal_of(event: Any) -> bytes:
    """What takes a reminder back."""
    taken = {
        name: getattr(event, name)
        for name in ("customer_id", "reminder_id", "rule_code", "subject", "window", "revision")
    }
    return ReminderWithdrawn(
        event_id=uuid4(), occurred_at=event.occurred_at, producer=event.producer,
        reason="What it was raised for has been reversed or corrected.", **taken,
    ).to_bytes()  # fmt: skip


async def test_it_says_when_it_goes_to_the_head_and_to_whom_it_went(
    api: Api, shared_bank: Bank
) -> None:
    waiting = shared_bank.raise_reminder(1, "R03.OVERDUE")
    found = await explained(api, waiting)
    assert found["escalation_hours"] == 8
    assert "unanswered for 8 working hours, it goes to the head" in found["sentences"][-1]
    shared_bank.execute(
        "update ocrm.reminders set escalated_at = now(), escalated_to = 'H1'"
        " where reminder_id = %s", waiting,
    )  # fmt: skip
    assert "it went to H1." in (await explained(api, waiting))["sentences"][-1]
    never = await explained(api, shared_bank.raise_reminder(1, "R04.TIER_UP"))
    assert "do not go to the head" in never["sentences"][-1]


async def test_operations_read_nothing_of_the_customer_and_nobody_else_reads_it(
    api: Api, shared_bank: Bank
) -> None:
    reminder = shared_bank.raise_reminder(
        10, amount="765432.10", subject="customer:10", window="txn:88001", facts={"phone": "99"}
    )
    answer = await api.call("OP", "GET", path_of(reminder))
    assert answer.status_code == 200
    for hidden in ("customer_id", "customer_name", "amount", "facts", "subject", "window", "note"):
        assert f'"{hidden}"' not in answer.text
    for value in ("765432", "88001", "customer:10"):
        assert value not in answer.text
    assert "主办客户经理 M1" in answer.json()["sentences"][0]
    for other in ("M1", "H1", "AU", "SA"):
        assert (await api.call(other, "GET", path_of(reminder))).status_code == 403
    assert (await api.call("OP", "GET", path_of(uuid4()))).status_code == 404


def test_the_command_says_the_same(shared_bank: Bank, environment: dict[str, str]) -> None:
    reminder = shared_bank.raise_reminder(1)
    database = shared_bank.database
    told = run(database, environment, "reminders", "explain", str(reminder))
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"reminder {reminder} of R01.LARGE_INFLOW: new, revision 1")
    assert "It is M1's, who leads the customer at branch B1" in told.stdout
    as_json = run(database, environment, "reminders", "explain", str(reminder), "--json")
    assert json.loads(as_json.stdout)["owner_id"] == "M1"
    nowhere = run(database, environment, "reminders", "explain", str(uuid4()))
    assert nowhere.returncode == 2
    assert "`alerting why` says whether its message was sent" in nowhere.stderr
