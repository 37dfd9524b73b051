"""What can go wrong with reminders."""

from ocrm_api.languages import Text
from ocrm_api.problems import Problem


class ReminderNotOpen(Problem):
    """The reminder's life has moved on: it cannot take this step any more."""

    code = "reminder_not_open"
    status = 409
    title = Text("提醒已结束或已受理", "The reminder has moved on")
    sentence = Text(
        "该提醒当前状态为 {status},不能执行此操作;请刷新后查看。",
        "The reminder is {status} and cannot take this step; read it again.",
    )
