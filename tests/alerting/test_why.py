"""Every reminder of a delivered day can be explained, and every one that is missing."""

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from alerting import drafts, judged_again, judged_by, why
from alerting.cli import app
from alerting.decoding import decode
from alerting.events import Booking
from alerting.rules.movements import moves_funds
from crm_shared.errors import UsageError
from crm_shared.events.customers import CustomerDataChanged
from crm_shared.kafka_records import Record
from crm_shared.landing import day_folder
from tests.alerting.batches import LATER, TOPIC, not_asked, records, run
from tests.alerting.bookings import NOON

pytest.importorskip("bank_simulator.replay")

DAY = date(2026, 7, 1)
INFLOW = "R01.LARGE_INFLOW"


def _customers(connection: psycopg.Connection, code: str) -> list[int]:
    rows = connection.execute(
        "select distinct customer_id from alerting.reminders"
        " where rule_code = %s and state = 'raised' order by 1",
        (code,),
    )
    return [row[0] for row in rows]


def explained(
    connection: psycopg.Connection, code: str, customer: int, landing: Path
) -> why.Explanation:
    """What the command finds out."""
    again = judged_again.judge(
        code,
        drafts.versions(connection, code),
        customer,
        DAY,
        landing,
        find=not_asked,
        worked=judged_by.worked(connection, customer),
    )
    return why.explain(connection, code, customer, DAY, again)


@pytest.mark.parametrize("code", sorted(judged_again.JUDGED_AGAIN))
def test_whatever_was_raised_is_explained_by_an_event(
    day: psycopg.Connection, landing: Path, code: str
) -> None:
    customers = _customers(day, code)
    assert customers
    for customer in customers:
        found = explained(day, code, customer, landing)
        fired = {one.reminder_id for one in found.judged if one.outcome == "fired"}
        standing = {one.reminder_id for one in found.standing if one.state == "raised"}
        assert standing <= fired
        assert all("MISSING" not in found.sentence(one) for one in found.judged)
        assert all(one.version == 1 for one in found.standing)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("R01.ACCOUNT_CLOSED", r"fires: value \d+\.\d\d, product \w+, version 1; raised: "),
        ("R03.ARREARS", r"fires: days overdue \d+, version 1; raised: "),
        ("R03.OVERDUE", r"fires: days overdue \d+, version 1; raised: "),
        ("R03.DOWNGRADE", r"fires: value \d, before \w+, after \w+, version 1; raised: "),
    ],
)
def test_a_loan_or_a_closed_account_says_what_its_reminder_rests_on(
    day: psycopg.Connection, landing: Path, code: str, said: str
) -> None:
    found = explained(day, code, _customers(day, code)[0], landing)
    assert any(re.match(said, found.sentence(one)) for one in found.judged)
    assert explained(day, code, 99, landing).judged == []


def test_what_is_below_says_value_and_threshold(
    day: psycopg.Connection, landing: Path, sent: list[Record]
) -> None:
    events = [decode(record, LATER) for record in sent]
    small = next(
        one
        for one in events
        if isinstance(one, Booking)
        and (one.direction, one.reverses_txn_id) == ("credit", None)
        and one.amount < 5_000
        and moves_funds(one)
    )
    found = explained(day, INFLOW, small.customer_id, landing)
    (judged,) = (one for one in found.judged if one.event_id == small.event_id)
    assert found.sentence(judged).startswith(f"below: value {small.amount}, threshold 5")
    outflow = explained(day, "R01.LARGE_OUTFLOW", small.customer_id, landing)
    (judged,) = (one for one in outflow.judged if one.event_id == small.event_id)
    assert "not of the kind" in outflow.sentence(judged)


def test_a_reminder_that_should_stand_and_does_not_is_missing(
    day: psycopg.Connection, landing: Path
) -> None:
    customer = _customers(day, INFLOW)[0]
    day.execute("delete from alerting.evidence where customer_id = %s", (customer,))
    day.execute("delete from alerting.reminders where customer_id = %s", (customer,))
    key = str(customer).encode()
    run(day, [Record(TOPIC, 0, 900_000, key, b'{"half": ')])
    found = explained(day, INFLOW, customer, landing)
    assert any("MISSING" in found.sentence(one) for one in found.judged)
    assert len(found.dead_letters) == 1
    day.rollback()


def test_a_rule_whose_events_no_file_tells_says_what_the_database_has(
    day: psycopg.Connection, landing: Path
) -> None:
    customer = _customers(day, "R05.LOBBY_ARRIVAL")[0]
    found = explained(day, "R05.LOBBY_ARRIVAL", customer, landing)
    assert not found.judged
    assert [one.state for one in found.standing] == ["raised"]


def test_a_withdrawn_reminder_is_told_of_its_day_alone(
    connection: psycopg.Connection, landing: Path
) -> None:
    first = CustomerDataChanged(
        event_id=uuid4(), occurred_at=NOON, producer="core", customer_id=990_001, branch_id="B01",
        business_date=DAY, fields=["phone"],
    )  # fmt: skip
    later = NOON + timedelta(days=1)
    second = first.model_copy(
        update={"event_id": uuid4(), "occurred_at": later, "business_date": later.date()}
    )
    back = first.model_copy(
        update={"event_id": uuid4(), "corrects_event_id": first.event_id, "fields": ("address",)}
    )
    run(connection, records([first, second], 950_000))
    run(connection, records([back], 950_010))
    found = explained(connection, "R03.KEY_DATA_CHANGED", 990_001, landing).standing
    assert sorted((one.state, one.day, one.told) for one in found) == [
        ("raised", DAY, "not sent yet"),
        ("withdrawn", DAY, "not sent yet"),
    ]


@pytest.fixture
def delivered(landing: Path, tmp_path: Path) -> Path:
    """A copy of the last delivered days, which a test may spoil; the month's end is missing."""
    for one in (DAY - timedelta(days=1), DAY):
        shutil.copytree(day_folder(landing, one), day_folder(tmp_path, one))
    return tmp_path


def test_a_later_day_that_came_by_half_is_left_out(
    day: psycopg.Connection, delivered: Path
) -> None:
    customer = _customers(day, INFLOW)[-1]
    day_folder(delivered, DAY + timedelta(days=1)).mkdir()
    assert explained(day, INFLOW, customer, delivered).judged


def test_what_a_gap_in_the_deliveries_hides_is_said(
    day: psycopg.Connection, delivered: Path
) -> None:
    customer = _customers(day, INFLOW)[-1]
    assert explained(day, INFLOW, customer, delivered).assumed == []
    shutil.rmtree(day_folder(delivered, DAY - timedelta(days=1)))
    (assumed,) = explained(day, INFLOW, customer, delivered).assumed
    assert "judged as an individual" in assumed


def test_the_command_says_it_in_words_and_as_json(
    day: psycopg.Connection, landing: Path, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))
    customer = str(_customers(day, INFLOW)[-1])
    told = _why(customer)
    assert "fires: value" in told
    assert "raised, revision 1, version 1, not sent yet" in told
    assert "dead letters of this customer: none" in told
    found: dict[str, Any] = json.loads(_why(customer, "--json"))
    assert {one["outcome"] for one in found["judged"]} >= {"fired"}
    assert f"no event for {INFLOW} of customer 99" in _why("99")
    with pytest.raises(UsageError, match="CRM_LANDING_DIR"):
        _why(customer, on="2019-01-01")


def test_who_asks_and_what_for_is_kept_for_ever(
    connection: psycopg.Connection,
    landing: Path,
    alerting_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    monkeypatch.setenv("CRM_LANDING_DIR", str(landing))
    _why("424242")
    row = connection.execute(
        "select said_by, action, subject_type, purpose, details, occurred_at <= now()"
        " from alerting.audit_log where subject_id = '424242'"
    ).fetchone()
    details = {"rule": INFLOW, "day": str(DAY)}
    assert row == ("Lin", "reminder.explain", "customer", "complaint", details, True)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
        connection.execute("delete from alerting.audit_log")
    with pytest.raises(UsageError, match="Say who asks"):
        _why("424242", by=" ")


def _why(customer: str, *more: str, on: str = str(DAY), by: str = "Lin") -> str:
    words = ["why", INFLOW, customer, "--on", on, "--by", by, "--purpose", "complaint", *more]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output
