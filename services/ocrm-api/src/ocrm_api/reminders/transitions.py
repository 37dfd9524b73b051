"""The life of a reminder: which step leads from which state to which. The one place that says so.

new → seen → acknowledged → done | snoozed | withdrawn | expired. People see, acknowledge, snooze,
wake and finish; the source withdraws and raises again; time wakes and expires.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ocrm_api.languages import Language, Text

Status = Literal["new", "seen", "acknowledged", "snoozed", "done", "withdrawn", "expired"]
Step = Literal["see", "acknowledge", "snooze", "wake", "done", "withdraw", "raise_again", "expire"]
#: The steps that a person takes; the others are the source's and the clock's.
ByPeople = Literal["see", "acknowledge", "snooze", "wake", "done"]
BY_PEOPLE: tuple[ByPeople, ...] = ("see", "acknowledge", "snooze", "wake", "done")

#: The states in which somebody has something to do now.
OPEN: tuple[Status, ...] = ("new", "seen", "acknowledged")
#: Those, and what will come back by itself.
LIVE: tuple[Status, ...] = (*OPEN, "snoozed")
CLOSED: tuple[Status, ...] = ("done", "withdrawn", "expired")


@dataclass(frozen=True, slots=True)
class Transition:
    """From which states a step may be taken, where it leads, and its kind of event."""

    sources: tuple[Status, ...]
    target: Status
    event: str


#: What was acknowledged before it was snoozed wakes as acknowledged: see `target`. What somebody
#: has taken up does not expire.
TRANSITIONS: Mapping[Step, Transition] = {
    "see": Transition(("new",), "seen", "seen"),
    "acknowledge": Transition(("new", "seen"), "acknowledged", "acknowledged"),
    "snooze": Transition(LIVE, "snoozed", "snoozed"),
    "wake": Transition(("snoozed",), "new", "woken"),
    "done": Transition(LIVE, "done", "done"),
    "withdraw": Transition(LIVE, "withdrawn", "withdrawn"),
    "raise_again": Transition(("withdrawn", "expired"), "new", "raised"),
    "expire": Transition(("new", "seen", "snoozed"), "expired", "expired"),
}

STATUS_NAMES: Mapping[Status, Text] = {
    "new": Text("未查看", "new"),
    "seen": Text("已查看", "seen"),
    "acknowledged": Text("已受理", "acknowledged"),
    "snoozed": Text("已暂缓", "snoozed"),
    "done": Text("已完成", "done"),
    "withdrawn": Text("已撤回", "withdrawn"),
    "expired": Text("已过期", "expired"),
}
STEP_NAMES: Mapping[ByPeople, Text] = {
    "see": Text("标记为已查看", "mark it as seen"),
    "acknowledge": Text("受理", "acknowledge it"),
    "snooze": Text("暂缓", "snooze it"),
    "wake": Text("恢复", "wake it"),
    "done": Text("完成", "finish it"),
}


def target(step: Step, status: Status, *, was_acknowledged: bool) -> Status | None:
    """The state after a step; None where the step cannot be taken from this state."""
    transition = TRANSITIONS[step]
    if status not in transition.sources:
        return None
    return "acknowledged" if step == "wake" and was_acknowledged else transition.target


def steps_from(status: Status) -> list[ByPeople]:
    """What a person can do with a reminder in this state."""
    return [step for step in BY_PEOPLE if status in TRANSITIONS[step].sources]


def advice(status: Status, language: Language) -> str:
    """What can be done with a reminder in this state, as the end of a sentence."""
    steps = [STEP_NAMES[step].in_(language) for step in steps_from(status)]
    if not steps:
        ended = Text("该提醒已结束，无需再处理", "its life has ended, so leave it as it is")
        return ended.in_(language)
    if language == "en":
        return "you can " + ", or ".join(steps)
    return "可以：" + "、".join(steps)


def sql(codes: tuple[str, ...]) -> str:
    """States or other codes as the right side of an SQL comparison: `in ('new', 'seen')`."""
    return f"in ({', '.join(repr(str(code)) for code in codes)})"
