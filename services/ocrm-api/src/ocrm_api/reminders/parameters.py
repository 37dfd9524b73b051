"""The parameters of the life of reminders."""

from crm_shared.reminder_rules import RULES
from ocrm_api.languages import Text
from ocrm_api.parameters import Parameter

#: Of use for minutes: it expires when its own day is published, which is over by then, and is no
#: news any more once the customer has been served or has gone.
LOBBY_ARRIVAL = "R05.LOBBY_ARRIVAL"
LOBBY_ARRIVAL_MINUTES = 30

_DAYS = Text("天", "days")
#: After its date a birthday says nothing any more, while what is overdue stays so for long.
_EXPIRY = {"R01": 30, "R02": 7, "R03": 60, "R04": 3, "R05": 7}

EXPIRY_DAYS = Parameter(
    "reminder.expiry_days",
    Text("提醒失效天数", "Days until a reminder expires"),
    _DAYS,
    lambda rule: 0 if rule == LOBBY_ARRIVAL else _EXPIRY.get(rule[:3], 30),
)
SNOOZE_MAX_DAYS = Parameter(
    "reminder.snooze_max_days",
    Text("最长暂缓天数", "Longest snooze"),
    _DAYS,
    lambda _: 30,
    least=1,
    most=365,
    per_rule=False,
)

#: By the rule's own priority: the most pressing within a working day, the next within two.
_ESCALATION = {1: 8, 2: 16}


def _escalation_hours(rule: str) -> int:
    """No head is called to a customer who has left the lobby by then."""
    if rule == LOBBY_ARRIVAL or rule not in RULES:
        return 0
    return _ESCALATION.get(RULES[rule].priority, 0)


ESCALATION_HOURS = Parameter(
    "reminder.escalation_hours",
    Text("未受理上报工作小时数", "Working hours until an unanswered reminder goes to the head"),
    Text("工作小时，0 为不上报", "working hours, 0 for never"),
    _escalation_hours,
    most=400,
)

#: Every parameter of reminders by its code.
PARAMETERS = {one.code: one for one in (EXPIRY_DAYS, SNOOZE_MAX_DAYS, ESCALATION_HOURS)}
