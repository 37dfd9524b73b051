"""What runs and audits wrote down in English, as a reader of the Chinese report is told it.

The ledger keeps one text of each; what is not known here is shown as it stands, and named as such.
"""

import re
from collections.abc import Mapping

from acrm_batch.report.texts import Language

_AUDITS: Mapping[str, str] = {
    r"rows repeat the key (.+)": r"行的主键 \1 重复",
    r"rows have no (.+)": r"行缺少 \1",
    r"rows break: (.+)": r"行不满足条件 \1",
    r"rows hold another (\S+) than (.+)": r"行的 \1 不在允许取值之内：\2",
    r"rows hold a (\S+) outside (.+)": r"行的 \1 超出范围 \2",
    r"rows hold a (\S+) that (\S+) does not know": r"行的 \1 在 \2 中不存在",
    r"relation has no (\S+) within (\d+) days of the business date":
        r"业务日期前 \2 天内没有 \1 的数据",
    r"values of (.+) differ from (\S+)": r"个 \1 与 \2 的金额不一致",
    r"totals differ from (\S+)": r"项合计与 \1 不一致",
    r"total differs between values of (\S+)": r"项合计在不同 \1 之间不一致",
    r"rows more or fewer than the (\S+) before \(limit (\S+) %\)":
        r"行，为与上次 \1 行之差（限度 \2%）",
    r"mean of (\S+) moved by more than (\S+) % since the partition before":
        r"个均值变动：\1 与上一分区相比超过 \2%",
    r"values of (\S+) moved by more than (\S+) points of share since the partition before":
        r"个 \1 取值的占比与上一分区相比变动超过 \2 个百分点",
    r"flags hold of more or fewer rows by more than (\S+) % since the partition before":
        r"个标志成立的行数与上一分区相比变动超过 \1%",
}  # fmt: skip
_EXAMPLES = re.compile(r"(.+) \(for instance (.+)\)", re.DOTALL)

_REASONS: Mapping[str, str] = {
    r"never made": "首次生成",
    r"its text, parameters or inputs changed": "模型、参数或输入有变化",
    r"its partition is gone from the warehouse": "仓库中的分区文件已不存在",
    r"nothing changed": "没有变化",
    r"asked": "人工要求",
    r"(\w+) failed": r"上游 \1 失败",
}
_BLOCKED = re.compile(
    r"Model (\S+) of (\S+) is blocked by its audit (.+?): (\d+) (.+?)"
    r"(?: \((\d+) more audits failed\))?; nothing of it is published\."
    r" Correct the source or the model and run again\.",
    re.DOTALL,
)


def audit_said(sentence: str, language: Language) -> str:
    """The sentence of an audit that failed; it follows the number of what failed."""
    if language == "en":
        return sentence
    examples = _EXAMPLES.fullmatch(sentence)
    said = _translated(_AUDITS, examples[1] if examples else sentence)
    return f"{said}（例如 {_keys(examples[2])}）" if examples else said


def reason_said(reason: str, language: Language) -> str:
    """Why a step was made, or failed."""
    if language == "en":
        return reason
    if found := _BLOCKED.fullmatch(reason):
        model, day, audit, rows, sentence, more = found.groups()
        others = f"（另有 {more} 项审计未通过）" if more else ""
        return (
            f"{day} 的模型 {model} 被审计 {audit} 拦截：{rows} {audit_said(sentence, language)}"
            f"{others}；其结果不会发布。请纠正来源或模型后重新运行。"
        )
    return _translated(_REASONS, reason)


def _translated(known: Mapping[str, str], text: str) -> str:
    for pattern, said in known.items():
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return found.expand(said)
    return f"系统原文：{text}"


def _keys(examples: str) -> str:
    """Keys of rows that failed, with what they differ by."""
    moved = re.sub(r"\bfrom (\S+) to (\S+)", r"由 \1 变为 \2", examples)
    return moved.replace(" by ", " 相差 ").replace("; ", "；")
