"""The words of the report, in Chinese and English."""

from typing import Literal

Language = Literal["zh-CN", "en"]

LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")

_TEXTS = {
    "title": ("批处理运行报告", "Run report"),
    "ok": ("完成", "done"),
    "running": ("运行中", "running"),
    "died": ("中断", "died"),
    "audit_blocked": ("被审计拦截", "blocked by an audit"),
    "not_ready": ("未就绪", "not ready"),
    "failed": ("失败", "failed"),
    "published": ("本次发布", "published by this run"),
    "not_published": ("本次未发布", "not published by this run"),
    "nothing_published": ("该日期尚未发布。", "This date has not been published."),
    "command": ("命令", "Command"),
    "started": ("开始时间（北京时间）", "Began (Beijing time)"),
    "duration": ("耗时", "Took"),
    "steps_made": ("完成步骤", "Steps made"),
    "rows_made": ("产出行数", "Rows made"),
    "audits": ("审计", "Audits"),
    "audits_tried": ("审计总数", "Audits tried"),
    "audits_failed": ("失败", "Failed"),
    "audits_warned": ("警告", "Warned"),
    "audits_passed": ("通过", "Passed"),
    "audits_blocked": ("拦截", "Blocked"),
    "all_passed": ("全部 {n} 项审计通过。", "All {n} audits passed."),
    "others_passed": ("其余 {n} 项审计通过。", "The other {n} audits passed."),
    "no_audits": ("本次运行没有执行审计。", "This run tried no audit."),
    "model": ("模型", "Model"),
    "as_of": ("日期", "Date"),
    "audit": ("审计项", "Audit"),
    "severity": ("级别", "Severity"),
    "error": ("拦截", "blocks"),
    "warn": ("警告", "warns"),
    "failed_rows": ("不合格", "Rows"),
    "meaning": ("说明", "Meaning"),
    "timings": ("各模型耗时", "Time per model"),
    "others": ("其余 {n} 个步骤共 {seconds}。", "The other {n} steps took {seconds}."),
    "row_changes": ("各模型行数变化", "Rows per model"),
    "row_note": (
        "与该模型上一个日期的分区相比；{changed} 个模型行数有变化，{same} 个相同。"
        "最长的条形为最大的变化，至多100%；数字为实际变化和现有行数。",
        "Against the model's partition before: {changed} models have more or fewer rows, {same} as"
        " many. The longest bar is the largest change, 100 % at most; the figures are the change"
        " and the rows there are now.",
    ),
    "no_row_changes": (
        "全部 {n} 个模型的行数与上次相同。",
        "All {n} models have as many rows as before.",
    ),
    "no_rows_before": (
        "没有更早的分区可供比较。",
        "There is no earlier partition to compare with.",
    ),
    "rows": ("行数", "Rows"),
    "rows_before": ("上次行数", "Rows before"),
    "change": ("变化", "Change"),
    "seconds": ("秒", "Seconds"),
    "outcome": ("结果", "Outcome"),
    "reason": ("原因", "Reason"),
    "made": ("已生成", "made"),
    "blocked": ("被拦截", "blocked"),
    "audited": ("已审计", "audited"),
    "all_steps": ("全部步骤", "All steps"),
    "drift": ("指标漂移", "Drift of indicators"),
    "compared": ("与 {day} 相比", "compared with {day}"),
    "drift_note": (
        "稳定性指数（PSI）低于 0.1 表示分布基本不变，高于 0.25 表示客群已明显改变；"
        "按客户抽样计算。",
        "The population stability index is below 0.1 where a distribution hardly moved and above"
        " 0.25 where it is another one; taken over a sample of customers.",
    ),
    "no_drift": ("没有指标的 PSI 超过 0.01。", "No indicator has an index above 0.01."),
    "nothing_before": (
        "没有更早的快照可供比较。",
        "There is no earlier snapshot to compare with.",
    ),
    "no_snapshot": (
        "该日期没有快照，因此没有分布、标签和归属的比较。",
        "This date has no snapshot, so distributions, tags and coverage cannot be compared.",
    ),
    "indicator": ("指标", "Indicator"),
    "index": ("PSI", "Index"),
    "mean": ("均值", "Mean"),
    "median": ("非零中位数", "Median, not 0"),
    "zeros": ("为零占比", "Zeros"),
    "before": ("之前", "Before"),
    "now": ("现在", "Now"),
    "tags": ("标签客户数变化", "Customers per tag"),
    "no_tags": ("所有标签的客户数没有变化。", "No tag has more or fewer customers."),
    "tag": ("标签", "Tag"),
    "coverage": ("归属变动", "Coverage"),
    "new": ("新增客户", "New customers"),
    "gone": ("不再归属", "Not covered any more"),
    "branch": ("变更主办网点", "To another lead branch"),
    "manager": ("同网点变更主办经理", "To another manager of the branch"),
    "rule": ("归属规则", "Rule"),
    "rule_locked": ("锁定的主办网点", "locked by hand"),
    "rule_loan": ("贷款发放网点", "branch of the loan"),
    "rule_loan_settled": ("已结清贷款的原网点", "branch of the loan that was settled"),
    "rule_card": ("贷记卡营销网点", "branch of the credit card"),
    "rule_deposit": ("存款日均最高的网点", "branch with the highest average of deposits"),
    "rule_registered": ("客户登记网点", "branch that registered the customer"),
    "customers": ("客户数", "Customers"),
    "in_seconds": ("{seconds} 秒", "{seconds} s"),
    "in_minutes": ("{minutes} 分 {seconds} 秒", "{minutes} min {seconds} s"),
    "reminders": ("到期提醒（按规则）", "Due reminders by rule"),
    "no_reminders": ("没有到期提醒。", "There are no due reminders."),
    "publication": ("发布行数", "Rows published"),
    "table": ("表", "Table"),
    "message": ("消息", "Message"),
    "what_to_do": (
        "先看下面失败的审计或步骤，纠正来源或模型后重新运行同一日期；已完成的步骤不会重做。",
        "Look at the failed audits or steps below, correct the source or the model, and run the"
        " same date again: what is done is not done again.",
    ),
    "contents": ("目录", "Contents"),
}


def text(key: str, language: Language, **values: object) -> str:
    """A text in a language, with its values; the key itself where nobody has translated it."""
    found = _TEXTS.get(key)
    if found is None:
        return key
    return found[LANGUAGES.index(language)].format(**values)
