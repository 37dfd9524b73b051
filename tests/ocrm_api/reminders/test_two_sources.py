"""A reminder that the stream and the batch both raise: the newest word holds."""

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID, uuid4

import pytest

from crm_shared import ids
from crm_shared.clock import BANK_ZONE
from crm_shared.events.reminders import ReminderWithdrawn
from tests.ocrm_api import bank
from tests.ocrm_api.conftest import Api, Bank, raised

RULE, SUBJECT = "R03.ARREARS", "loan:900"
#: Of the stream, during the day; of the batch, at its end.
CLOCK = {"alerting": timedelta(hours=10), "acrm": timedelta(hours=23, minutes=59)}
MORNING = datetime(2026, 6, 1, tzinfo=BANK_ZONE)

#: What is said in the order of event time (source, day, revision; + raises, - withdraws), and what
#: is left of it.
STORIES = [
    # The stream takes back what it said again, and at night the batch finds it all the same.
    ("alerting+1@1 alerting-1@2 alerting+2@3 alerting-2@4 acrm+1@4", "new"),
    # Both say so, it is paid, and only the batch knows.
    ("alerting+1@1 acrm+1@1 acrm-1@2", "withdrawn"),
    # The batch says so every night, and the stream takes back what it said in between.
    ("acrm+1@1 alerting+1@2 alerting-1@3 acrm+1@3", "new"),
    ("acrm+1@1 acrm+1@2 alerting+1@3 alerting-1@3", "withdrawn"),
    # Paid at night, and in arrears again on the next day.
    ("acrm+1@1 acrm-1@2 alerting+1@3", "new"),
]


def message(window: str, word: str) -> bytes:
    """One of the words of a story."""
    text, _, day = word.partition("@")
    source, revision = text[:-2], int(text[-1])
    at = MORNING + timedelta(days=int(day)) + CLOCK[source]
    common: dict[str, Any] = {
        "event_id": uuid4(), "occurred_at": at, "producer": source, "revision": revision,
    }  # fmt: skip
    if text[-2] == "+":
        event = raised(4, RULE, subject=SUBJECT, window=window, **common)
        return event.to_bytes()
    return ReminderWithdrawn(
        customer_id=4, reminder_id=ids.reminder_id(RULE, SUBJECT, window), rule_code=RULE,
        subject=SUBJECT, window=window, reason="It was paid.", **common,
    ).to_bytes()  # fmt: skip


def left(of: Bank, window: str) -> tuple[str, UUID]:
    """The state of the reminder."""
    rows = of.execute(
        "select status, reminder_id from ocrm.reminders where reminder_window = %s", window
    )
    return rows[0][0], rows[0][1]


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("story", "expected"), STORIES)
def test_the_newest_word_holds_in_whatever_order_words_arrive(
    shared_bank: Bank, story: str, expected: str, at_once: bool
) -> None:
    words = story.split()
    for number, order in enumerate(list(permutations(words))[:: 1 if len(words) < 5 else 11]):
        window = f"{story}:{at_once}:{number}"
        messages = [message(window, word) for word in order]
        for part in [messages] if at_once else [[one] for one in messages]:
            shared_bank.receive(*part)
        assert left(shared_bank, window)[0] == expected, order


def test_what_both_say_is_said_once(shared_bank: Bank) -> None:
    window = "both"
    first = shared_bank.receive(message(window, "alerting+1@1"))
    again = shared_bank.receive(message(window, "acrm+1@1"), message(window, "acrm+1@2"))
    assert (len(first.raised), again.told()) == (1, [])
    versions = "select version from ocrm.reminders where reminder_window = %s"
    assert shared_bank.execute(versions, window) == [(1,)]


def test_a_night_that_says_the_same_writes_nothing(shared_bank: Bank) -> None:
    """Where there is no other source."""
    window, rule = "due:2026-07-20", "R02.LOAN_MATURES"
    said = [
        raised(4, rule, subject=SUBJECT, window=window, producer="acrm",
               occurred_at=MORNING + timedelta(days=day)).to_bytes()
        for day in (1, 2)
    ]  # fmt: skip
    row = "select xmin::text, xmax::text from ocrm.reminders where reminder_window = %s"
    shared_bank.receive(said[0])
    before = shared_bank.execute(row, window)
    shared_bank.receive(said[1])
    assert shared_bank.execute(row, window) == before


async def test_why_it_was_withdrawn_is_said_in_the_reader_s_language(
    api: Api, shared_bank: Bank
) -> None:
    for source, zh, en in (
        ("alerting", "冲正", "reversed"), ("acrm", "夜间核对", "At night"),
    ):  # fmt: skip
        window = f"reason:{source}"
        shared_bank.receive(message(window, f"{source}+1@1"))
        shared_bank.receive(message(window, f"{source}-1@2"))
        path = f"/v1/reminders/{left(shared_bank, window)[1]}"
        for language, words in (("zh-CN", zh), ("en", en)):
            headers = {"Accept-Language": language}
            item = await api.get("M1", path, headers=headers)
            (change,) = (await api.get("M1", f"{path}/history", headers=headers))["items"]
            assert (item["withdrawn_by"], words in item["withdrawn_reason"]) == (source, True)
            assert change["reason"] == item["withdrawn_reason"]


def test_what_was_taken_in_before_words_were_kept_counts_by_its_time(shared_bank: Bank) -> None:
    window = "before"
    shared_bank.receive(message(window, "alerting+1@1"))
    shared_bank.receive(message(window, "alerting-1@2"))
    shared_bank.execute("update ocrm.reminders set words = null where reminder_window = %s", window)
    shared_bank.receive(message(window, "alerting+1@1"))
    assert left(shared_bank, window)[0] == "withdrawn"
    shared_bank.receive(message(window, "acrm+1@2"))
    assert left(shared_bank, window)[0] == "new"


async def test_the_text_of_an_overdue_loan_says_what_its_source_knows(
    api: Api, shared_bank: Bank
) -> None:
    for facts, amount, expected in (
        ({"days_overdue": "1"}, None, "A loan has been overdue for 1 days"),
        ({"due_on": "2026-07-03"}, "5000.00", "5,000.00 CNY is outstanding"),
    ):
        reminder = shared_bank.raise_reminder(
            4, "R03.OVERDUE", facts=facts, amount=amount, business_date=bank.DAY
        )
        item = await api.get("M1", f"/v1/reminders/{reminder}", headers={"Accept-Language": "en"})
        assert expected in item["text"]
