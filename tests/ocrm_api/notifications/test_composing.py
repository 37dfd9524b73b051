"""Who is notified of what, and when: urgent things at once, the others in a digest."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from crm_shared.errors import UsageError
from crm_shared.postgres import advisory_key
from crm_shared.working_time import working_time
from ocrm_api import parameters
from ocrm_api.notifications.parameters import URGENT_PRIORITY
from ocrm_api.notifications.schedule import schedule
from ocrm_api.reminders import books
from ocrm_api.settings import NotifySettings
from tests.ocrm_api.conftest import Api, raised
from tests.ocrm_api.notifications.conftest import Desk, at
from tests.ocrm_api.notifications.receivers import Received

URGENT, CALM = "R01.LARGE_OUTFLOW", "R02.DEPOSIT_MATURES"


def told(desk: Desk) -> list[tuple[str, str, dict[str, int]]]:
    """Employee, kind and reminders by rule of everything that was written."""
    return [
        (
            one["data"]["employee_id"],
            one["type"].removeprefix("notification."),
            {line["rule_code"]: line["count"] for line in one["data"]["reminders"]},
        )
        for one in desk.written
    ]


def change(desk: Desk, reminder: UUID, **columns: Any) -> None:
    """Let something have become of a reminder."""
    given = ", ".join(f"{name} = %s" for name in columns)
    desk.bank.execute(
        f"update ocrm.reminders set {given} where reminder_id = %s", *columns.values(), reminder
    )


def waiting(desk: Desk) -> int:
    """How many items are in the outbox."""
    return int(desk.bank.execute("select count(*) from ocrm.notification_items")[0][0])


def test_what_is_urgent_is_told_at_once_and_the_rest_with_the_next_digest(desk: Desk) -> None:
    desk.bank.raise_reminder(4, URGENT)
    desk.bank.raise_reminder(4, CALM)
    desk.bank.raise_reminder(2, CALM, "B2")
    desk.came("2026-07-01T09:30")
    desk.turn("2026-07-01T10:00")
    assert told(desk) == [("M1", "urgent", {URGENT: 1})]
    desk.turn("2026-07-02T08:59")
    assert len(told(desk)) == 1
    desk.turn("2026-07-02T09:00")
    assert sorted(told(desk)[1:]) == [("M1", "digest", {CALM: 1}), ("M2", "digest", {CALM: 1})]
    assert (waiting(desk), desk.turn("2026-07-03T10:00").made) == (0, 0)


def test_a_digest_is_one_for_each_manager_with_counts_by_rule(desk: Desk) -> None:
    for customer in (4, 5, 6):
        desk.bank.raise_reminder(customer, CALM)
        desk.bank.raise_reminder(customer, "R04.BIRTHDAY")
    desk.bank.raise_reminder(9, CALM, "B3")
    desk.came("2026-06-30T23:00")
    desk.turn()
    assert sorted(told(desk)) == [
        ("M1", "digest", {CALM: 3, "R04.BIRTHDAY": 3}), ("M3", "digest", {CALM: 1}),
    ]  # fmt: skip
    one = next(one["data"] for one in desk.written if one["data"]["employee_id"] == "M1")
    assert one["title"] == "6 条新提醒待处理"
    assert one["text"].splitlines() == [
        "定期存款到期：3 条（优先级 2）", "客户生日：3 条（优先级 4）", "请登录系统查看。",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "now", ["2026-07-01T20:00", "2026-07-02T07:59", "2026-07-04T10:00", "2026-10-01T10:00"]
)
def test_nobody_is_disturbed_at_night_on_a_weekend_or_on_a_holiday(desk: Desk, now: str) -> None:
    desk.bank.raise_reminder(4, URGENT)
    assert (desk.turn(now).quiet, desk.written) == (True, [])
    assert desk.turn("2026-10-08T08:00").made == 1


@pytest.mark.parametrize(
    ("quiet_hours", "now", "quiet"),
    [
        ("12:00-13:30", "2026-07-01T13:29", True), ("12:00-13:30", "2026-07-01T13:30", False),
        ("00:00-00:00", "2026-07-01T00:00", False), ("00:00-00:00", "2026-07-04T12:00", True),
        ("20:00-08:00", "2026-02-14T10:00", False),
    ],
)  # fmt: skip
def test_quiet_hours_may_be_at_any_time_and_working_weekends_are_worked(
    quiet_hours: str, now: str, quiet: bool
) -> None:
    given = schedule(NotifySettings(quiet_hours=quiet_hours), working_time())
    assert given.is_quiet(at(now)) == quiet


def test_a_second_digest_of_the_day_tells_what_came_after_the_first(desk: Desk) -> None:
    desk.bank.raise_reminder(4, CALM)
    desk.came("2026-07-01T10:30")
    times = "09:00,14:00"
    assert [
        desk.turn(f"2026-07-01T{now}", digest_times=times).made for now in ("13:59", "14:00")
    ] == [0, 1]


@pytest.mark.parametrize(
    ("times", "came", "now", "made"),
    [
        ("21:00", "2026-07-01T20:59", "2026-07-02T08:00", 1),
        ("21:00", "2026-07-01T21:00", "2026-07-02T19:59", 0),
        ("19:59", "2026-07-03T15:00", "2026-07-06T08:00", 1),
        ("00:00", "2026-07-01T23:59", "2026-07-02T08:00", 1),
        ("09:00", "2026-07-03T18:00", "2026-07-06T08:59", 0),
        ("09:00", "2026-09-30T08:00", "2026-10-08T08:00", 1),
    ],
)
def test_a_digest_that_could_not_be_sent_at_its_time_goes_out_next_morning(
    desk: Desk, times: str, came: str, now: str, made: int
) -> None:
    desk.bank.raise_reminder(4, CALM)
    desk.came(came)
    assert desk.turn(now, digest_times=times).made == made


def test_what_came_at_night_is_one_urgent_notification_in_the_morning(desk: Desk) -> None:
    for customer in (4, 5, 6):
        desk.bank.raise_reminder(customer, URGENT)
    desk.turn("2026-07-01T08:00")
    assert told(desk) == [("M1", "urgent", {URGENT: 3})]
    assert desk.written[0]["data"]["reminder_id"] is None


def test_urgent_news_in_quick_succession_wait_for_one_another(desk: Desk) -> None:
    desk.bank.raise_reminder(4, URGENT)
    desk.turn("2026-07-01T10:00")
    desk.bank.raise_reminder(5, URGENT)
    desk.bank.raise_reminder(2, URGENT, "B2")
    desk.turn("2026-07-01T10:01")
    desk.bank.raise_reminder(6, URGENT)
    assert [who for who, _, _ in told(desk)] == ["M1", "M2"]
    desk.turn("2026-07-01T10:05")
    assert told(desk)[2:] == [("M1", "urgent", {URGENT: 2})]


def test_what_is_no_longer_new_or_nobodys_leaves_without_a_word(desk: Desk) -> None:
    became: tuple[dict[str, Any], ...] = (
        {"status": "withdrawn"}, {"status": "seen"}, {"status": "acknowledged"},
        {"status": "snoozed", "snoozed_until_on": date(2026, 7, 9)}, {"status": "expired"},
        {"owner_id": "V:B1"}, {"owner_id": None},
    )  # fmt: skip
    for columns in became:
        change(desk, desk.bank.raise_reminder(4, URGENT), **columns)
    assert (desk.turn().made, desk.written, waiting(desk)) == (0, [], 0)


def test_what_is_withdrawn_and_raised_again_is_told_once(desk: Desk) -> None:
    event = raised(4, URGENT)
    again = event.model_copy(update={"revision": 2})
    desk.bank.receive(event.to_bytes())
    change(desk, event.reminder_id, status="withdrawn")
    desk.bank.receive(again.to_bytes())
    assert waiting(desk) == 2
    desk.turn()
    assert told(desk) == [("M1", "urgent", {URGENT: 1})]


def test_the_virtual_managers_reminders_are_nobodys_news(desk: Desk) -> None:
    desk.bank.raise_reminder(8, URGENT, "B2")
    assert waiting(desk) == 0


def test_what_another_reminder_mutes_is_not_told(desk: Desk) -> None:
    desk.bank.raise_reminder(4, "R02.LOAN_MATURES", subject="loan:1")
    desk.bank.raise_reminder(4, "R02.LOAN_MATURES", subject="loan:2")
    desk.bank.raise_reminder(4, "R03.OVERDUE", subject="loan:1")
    desk.came("2026-06-30T10:00")
    desk.turn()
    assert sorted(told(desk)) == [
        ("M1", "digest", {"R02.LOAN_MATURES": 1}), ("M1", "urgent", {"R03.OVERDUE": 1}),
    ]  # fmt: skip


async def test_what_goes_up_is_told_to_the_head_at_once(api: Api, desk: Desk) -> None:
    reminder = desk.bank.raise_reminder(4, URGENT)
    await asyncio.to_thread(desk.turn, "2026-06-29T09:00")
    change(desk, reminder, status="seen", waiting_since=at("2026-06-29T09:00"))
    while await api.app.state.timekeeper.turn(at("2026-06-30T10:00")):
        pass
    await asyncio.to_thread(desk.turn, "2026-06-30T10:00")
    head = desk.written[1]["data"]
    assert (head["employee_id"], head["reminder_id"]) == ("H1", str(reminder))
    assert "大额资金流出：1 条（优先级 1），已上报给您" in head["text"]


async def test_what_wakes_is_news_again(api: Api, desk: Desk) -> None:
    reminder = desk.bank.raise_reminder(4, CALM)
    desk.bank.execute("delete from ocrm.notification_items")
    change(desk, reminder, status="snoozed", snoozed_until_on=date(2026, 7, 1))
    while await api.app.state.timekeeper.turn(at("2026-07-01T00:01")):
        pass
    desk.came("2026-07-01T00:01")
    await asyncio.to_thread(desk.turn)
    assert told(desk) == [("M1", "digest", {CALM: 1})]


def test_a_bank_says_what_is_urgent_by_rule_and_legal_entity(desk: Desk) -> None:
    with psycopg.connect(desk.bank.database.ocrm_app) as connection:
        for value, entity, rule in ((2, "L2", CALM), (0, "L1", "*")):
            parameters.add(
                connection, URGENT_PRIORITY, value, date(2026, 7, 1), legal_entity_id=entity,
                rule_code=rule,
            )  # fmt: skip
    for customer, branch in ((4, "B1"), (9, "B3")):
        desk.bank.raise_reminder(customer, CALM, branch)
        desk.bank.raise_reminder(customer, URGENT, branch)
    desk.turn()
    assert told(desk) == [("M3", "urgent", {CALM: 1, URGENT: 1})]


def test_an_employee_chooses_language_and_channel_or_silence(desk: Desk) -> None:
    for employee, enabled, channel, language in (
        ("M1", True, "email", "en"), ("M2", False, None, None), ("M3", True, "console", None),
    ):  # fmt: skip
        desk.bank.execute(
            "insert into ocrm.notification_preferences (employee_id, enabled, channel, language)"
            " values (%s, %s, %s, %s)", employee, enabled, channel, language,
        )  # fmt: skip
    for customer, branch in ((4, "B1"), (2, "B2"), (9, "B3")):
        desk.bank.raise_reminder(customer, URGENT, branch)
    desk.turn()
    assert [(one["data"]["employee_id"], one["data"]["title"]) for one in desk.written] == [
        ("M1", "1 urgent reminder for you")
    ]
    assert desk.bank.execute("select employee_id, channel from ocrm.notifications order by 1") == [
        ("M1", "file"), ("M3", "console"),
    ]  # fmt: skip


def test_a_reminder_that_is_routed_anew_before_it_is_told_goes_to_the_new_owner(desk: Desk) -> None:
    change(desk, desk.bank.raise_reminder(4, URGENT), owner_id="N1")
    desk.turn()
    assert told(desk) == [("N1", "urgent", {URGENT: 1})]


@pytest.mark.parametrize(
    ("came", "late", "expected"),
    [
        ("2026-07-01T09:45", False, [("M1", "urgent", {"R05.LOBBY_ARRIVAL": 1})]),
        ("2026-07-01T09:45", True, []),
        ("2026-07-01T09:30", False, []),
    ],
)
def test_an_arrival_in_the_lobby_is_news_for_half_an_hour(
    desk: Desk, came: str, late: bool, expected: list[Any]
) -> None:
    desk.bank.raise_reminder(4, "R05.LOBBY_ARRIVAL", occurred_at=at(came), late=late)
    desk.turn("2026-07-01T10:00")
    desk.turn("2026-07-02T09:00")
    assert (told(desk), waiting(desk)) == (expected, 0)


def test_an_arrival_that_could_not_be_told_in_time_is_not_told_hours_later(
    desk: Desk, receiver: Received
) -> None:
    desk.bank.raise_reminder(4, "R05.LOBBY_ARRIVAL", occurred_at=at("2026-07-01T09:55"))
    receiver.status = 503
    desk.turn("2026-07-01T10:00", **desk.webhook(receiver.port))
    receiver.status = 200
    desk.turn("2026-07-01T13:00", **desk.webhook(receiver.port))
    assert (len(receiver.requests), desk.statuses()) == (1, [("M1", "dropped", 1)])


def test_two_notifiers_do_not_compose_at_the_same_time(desk: Desk) -> None:
    desk.bank.raise_reminder(4, URGENT)
    first, second = desk.notifier(), desk.notifier()
    with first._transaction() as connection:
        connection.execute(
            "select pg_advisory_xact_lock(%s)", (advisory_key("ocrm notifications"),)
        )
        assert second.turn().made == 0
    assert second.turn().made == 1


def test_an_hour_that_is_none_is_refused(desk: Desk) -> None:
    with pytest.raises(UsageError, match="OCRM_NOTIFY_QUIET_HOURS must have times of day"):
        desk.notifier(quiet_hours="25:00-08:00")


def test_where_nobody_sends_the_outbox_forgets_what_is_old(desk: Desk) -> None:
    for days in (13, 15):
        reminder = desk.bank.raise_reminder(4, CALM)
        desk.bank.execute(
            "update ocrm.notification_items set created_at = now() - make_interval(days => %s)"
            " where reminder_id = %s", days, reminder,
        )  # fmt: skip
    with psycopg.connect(desk.bank.database.ocrm_app) as connection:
        books.tidy(connection, 72)
    assert waiting(desk) == 1
