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


class ReminderOfAnother(Problem):
    """The viewer sees the reminder, but somebody else is to take it up and finish it."""

    code = "reminder_of_another"
    status = 403
    title = Text("该提醒由他人负责", "The reminder is somebody else's")
    sentence = Text(
        "该提醒只能由其负责人或主办机构负责人处理。",
        "Leave it to the manager who owns it, or to the head of the branch that leads the"
        " customer.",
    )
