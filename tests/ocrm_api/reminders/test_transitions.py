"""The table of a reminder's life, and that it is the only way through it."""

import pytest

from ocrm_api.languages import Language
from ocrm_api.reminders.errors import ReminderNotOpen
from ocrm_api.reminders.transitions import (
    BY_PEOPLE,
    CLOSED,
    LIVE,
    STATUS_NAMES,
    TRANSITIONS,
    Status,
    Step,
    steps_from,
    target,
)

#: What a screen would draw: state → the steps that people can take, and where each leads.
EXPECTED: dict[Status, dict[Step, Status]] = {
    "new": {"see": "seen", "acknowledge": "acknowledged", "snooze": "snoozed", "done": "done"},
    "seen": {"acknowledge": "acknowledged", "snooze": "snoozed", "done": "done"},
    "acknowledged": {"snooze": "snoozed", "done": "done"},
    "snoozed": {"snooze": "snoozed", "wake": "new", "done": "done"},
    "done": {},
    "withdrawn": {},
    "expired": {},
}


def test_every_state_is_live_or_closed_and_has_a_name() -> None:
    assert set(STATUS_NAMES) == {*LIVE, *CLOSED} == set(EXPECTED)


@pytest.mark.parametrize("status", EXPECTED)
def test_people_take_the_expected_steps_and_no_other(status: Status) -> None:
    found = {step: target(step, status, was_acknowledged=False) for step in BY_PEOPLE}
    assert {step: after for step, after in found.items() if after} == EXPECTED[status]
    assert steps_from(status) == list(EXPECTED[status])


def test_what_was_acknowledged_wakes_as_acknowledged() -> None:
    assert target("wake", "snoozed", was_acknowledged=True) == "acknowledged"


def test_done_is_for_good_and_what_somebody_took_up_does_not_expire() -> None:
    assert not [step for step, way in TRANSITIONS.items() if "done" in way.sources]
    assert target("expire", "acknowledged", was_acknowledged=True) is None
    assert target("raise_again", "withdrawn", was_acknowledged=False) == "new"


@pytest.mark.parametrize(
    ("status", "language", "sentence"),
    [
        ("done", "zh-CN", "该提醒已完成，不能受理；该提醒已结束，无需再处理。"),
        ("snoozed", "zh-CN", "该提醒已暂缓，不能受理；可以：暂缓、恢复、完成。"),
        ("acknowledged", "en", "The reminder is acknowledged, so you cannot acknowledge it; you can"
         " snooze it, or finish it."),
    ],
)  # fmt: skip
def test_a_refusal_says_what_can_be_done(status: Status, language: Language, sentence: str) -> None:
    assert ReminderNotOpen(status=status, step="acknowledge").detail(language) == sentence
