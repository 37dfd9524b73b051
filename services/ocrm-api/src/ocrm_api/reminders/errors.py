"""What can go wrong with reminders."""

from ocrm_api.languages import Language, Text
from ocrm_api.problems import Problem
from ocrm_api.reminders.transitions import STATUS_NAMES, STEP_NAMES, ByPeople, Status, advice


class ReminderNotOpen(Problem):
    """The reminder's life has moved on: it cannot take this step from the state it is in."""

    code = "reminder_not_open"
    status = 409
    title = Text("提醒状态不允许此操作", "The reminder has moved on")
    sentence = Text(
        "该提醒{status}，不能{step}；{advice}。",
        "The reminder is {status}, so you cannot {step}; {advice}.",
    )

    def __init__(self, *, status: Status, step: ByPeople) -> None:
        super().__init__(status=status, step=step)
        self._status, self._step = status, step

    def detail(self, language: Language) -> str:
        """The state, the step that it does not allow, and those that it does."""
        return self.sentence.in_(language).format(
            status=STATUS_NAMES[self._status].in_(language),
            step=STEP_NAMES[self._step].in_(language),
            advice=advice(self._status, language),
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


class PeriodTooLong(Problem):
    """The period of statistics ends before it begins, or is longer than a year."""

    code = "period_too_long"
    status = 422
    title = Text("统计区间不可用", "The period is out of range")
    sentence = Text(
        "开始日期不得晚于结束日期，且区间不得超过 {days} 天。",
        "Let the period begin before it ends, and take at most {days} days.",
    )


class SnoozeTooLong(Problem):
    """The day until which it is to be snoozed is not one of the days that may be chosen."""

    code = "snooze_too_long"
    status = 422
    title = Text("暂缓日期不可用", "The day is out of range")
    sentence = Text("请选择 {first} 至 {last} 之间的日期。", "Choose a day from {first} to {last}.")
