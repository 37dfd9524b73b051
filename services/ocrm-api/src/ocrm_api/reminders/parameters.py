"""The parameters of the life of reminders."""

from ocrm_api.languages import Text
from ocrm_api.parameters import Parameter

_DAYS = Text("天", "days")
#: After its date a birthday says nothing any more, while what is overdue stays so for long.
_EXPIRY = {"R01": 30, "R02": 7, "R03": 60, "R04": 3, "R05": 7}

EXPIRY_DAYS = Parameter(
    "reminder.expiry_days",
    Text("提醒失效天数", "Days until a reminder expires"),
    _DAYS,
    lambda rule: _EXPIRY.get(rule[:3], 30),
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

#: Every parameter of reminders by its code.
PARAMETERS = {one.code: one for one in (EXPIRY_DAYS, SNOOZE_MAX_DAYS)}
