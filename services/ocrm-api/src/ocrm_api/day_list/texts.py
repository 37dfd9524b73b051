"""Why a reminder has its score, in words."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ocrm_api.day_list.ranking import ComponentCode
from ocrm_api.languages import Language, Text
from ocrm_api.reminders import vocabulary
from ocrm_api.reminders.usefulness import DAYS

_ESCALATED = Text("无人受理，已上报负责人", "nobody answered, and it went to the head")
_RISK = Text("逾期或风险事项", "a matter of arrears or risk")
_DUE_IN = Text("{days} 天后到期（{on}）", "due in {days} days, on {on}")
_DUE = Text("已到期（{on}）", "due on {on}")
_SINCE = Text("{on} 发生", "of {on}")
_URGENCY = Text("优先级 {priority}，{when}", "priority {priority}, {when}")
_AMOUNT = Text("金额 {amount:,.2f} {currency}", "{amount:,.2f} {currency}")
_NO_AMOUNT = Text("无金额", "no amount")
_KEY = Text("重点客户", "a key customer")
_BALANCE = Text("存贷款合计 {balance:,.2f}", "deposits and loans of {balance:,.2f}")
_NO_BALANCE = Text("存贷款未知", "deposits and loans are not known")
_USEFUL = Text(
    "该规则近 {days} 天的结果约 {share}% 有用",
    "about {share} % of what came of its rule in {days} days was useful",
)


def detail(
    code: ComponentCode,
    member: Mapping[str, Any],
    reminder: Mapping[str, Any],
    today: date,
    language: Language,
) -> str:
    """What a component rests on; `member` is the scored row of the reminder."""
    match code:
        case "urgency":
            when = _when(reminder, today, language)
            return _URGENCY.in_(language).format(priority=reminder["priority"], when=when)
        case "amount":
            template = _NO_AMOUNT if reminder["amount"] is None else _AMOUNT
            unit = vocabulary.currency(reminder["currency"], language)
            return template.in_(language).format(amount=reminder["amount"], currency=unit)
        case "customer_value":
            if member["is_key_customer"]:
                return _KEY.in_(language)
            template = _NO_BALANCE if member["balance"] is None else _BALANCE
            return template.in_(language).format(balance=member["balance"])
        case "usefulness":
            return _USEFUL.in_(language).format(days=DAYS, share=member["usefulness"])


def why(details: list[str], language: Language) -> str:
    """The two components with the most points, as a sentence."""
    first, second = details[:2]
    if language == "en":
        return f"{first[:1].upper()}{first[1:]}; {second}."
    return f"{first}；{second}。"


def _when(reminder: Mapping[str, Any], today: date, language: Language) -> str:
    due_on, code = reminder["due_on"], reminder["rule_code"]
    if reminder["escalated_at"] is not None:
        return _ESCALATED.in_(language)
    if code.startswith("R03."):
        return _RISK.in_(language)
    if due_on is None or not code.startswith(("R02.", "R04.BIRTHDAY", "R04.FESTIVAL")):
        return _SINCE.in_(language).format(on=reminder["business_date"])
    days = (due_on - today).days
    return (_DUE_IN if days > 0 else _DUE).in_(language).format(days=days, on=due_on)
