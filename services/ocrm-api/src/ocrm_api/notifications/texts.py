"""What an employee reads: which rules spoke how often, never of whom. It leaves the bank's system,
so it says nothing about a customer; who logs in sees the rest.
"""

from collections.abc import Mapping

from ocrm_api.languages import Text
from ocrm_api.notifications.composing import Kind
from ocrm_api.notifications.delivery import Line, Notification
from ocrm_api.reminders import texts

#: More are summed up: a message of a chat has 2,048 bytes.
MOST_LINES = 20

_TITLES: Mapping[Kind, tuple[Text, Text]] = {
    "urgent": (
        Text("1 条紧急提醒待处理", "1 urgent reminder for you"),
        Text("{number} 条紧急提醒待处理", "{number} urgent reminders for you"),
    ),
    "digest": (
        Text("1 条新提醒待处理", "1 new reminder for you"),
        Text("{number} 条新提醒待处理", "{number} new reminders for you"),
    ),
}
_LINE = Text("{rule}：{number} 条（优先级 {priority}）", "{rule}: {number} (priority {priority})")
_WENT_UP = Text("，已上报给您", ", escalated to you")
_MORE = Text("其余 {number} 条", "{number} more")
_LOOK = Text("请登录系统查看。", "Log in to see what to do.")
_LOOK_THERE = Text("请登录系统查看：{link}", "See what to do: {link}")


def title(notification: Notification) -> str:
    """How many, and whether it is urgent."""
    of_one, of_many = _TITLES[notification.kind]
    text = of_one if notification.number == 1 else of_many
    return text.in_(notification.language).format(number=notification.number)


def text(notification: Notification, link: str | None) -> str:
    """A line for each rule and priority, and where to look."""
    shown = notification.lines[:MOST_LINES]
    lines = [_line(one, notification) for one in shown]
    if more := notification.number - sum(one.number for one in shown):
        lines.append(_MORE.in_(notification.language).format(number=more))
    look = _LOOK if link is None else _LOOK_THERE
    return "\n".join([*lines, look.in_(notification.language).format(link=link)])


def link_of(notification: Notification, base: str | None) -> str | None:
    """The page of the reminder, or of all of them; None without a front end."""
    if base is None or notification.reminder_id is None:
        return base
    return f"{base.rstrip('/')}/{notification.reminder_id}"


def _line(line: Line, notification: Notification) -> str:
    language = notification.language
    said = _LINE.in_(language).format(
        rule=texts.title(line.rule_code, language), number=line.number, priority=line.priority
    )
    return said + (_WENT_UP.in_(language) if line.went_up else "")
