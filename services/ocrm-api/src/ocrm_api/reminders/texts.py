"""The texts of reminders: a template per rule and language, filled from amount, date, facts."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from crm_shared.reminder_rules import RULES
from ocrm_api.languages import Language, Text

_TEMPLATES = {
    "R01.LARGE_INFLOW": Text(
        "转入 {amount} {currency},请了解资金来源并及时跟进。",
        "{amount} {currency} came in; find out where from, and follow up.",
    ),
    "R01.LARGE_OUTFLOW": Text(
        "转出 {amount} {currency},请尽快联系客户挽留资金。",
        "{amount} {currency} went out; contact the customer soon.",
    ),
    "R01.FREQUENT_TRANSFERS_OUT": Text(
        "{window_hours} 小时内向他行转账 {value} 次,合计 {amount} {currency},请了解原因。",
        "{value} transfers to other banks within {window_hours} hours, {amount} {currency} in all;"
        " find out why.",
    ),
    "R01.ACCOUNT_CLOSED": Text(
        "一个存款账户已销户,请回访客户。", "A deposit account was closed; call the customer."
    ),
    "R02.LOAN_MATURES": Text(
        "贷款将于 {due_on} 到期,余额 {amount} {currency}。",
        "A loan matures on {due_on}; {amount} {currency} is outstanding.",
    ),
    "R02.REPAYMENT_DUE": Text(
        "贷款将于 {due_on} 还款,应还 {amount} {currency}。",
        "A loan repayment of {amount} {currency} is due on {due_on}.",
    ),
    "R02.CARD_REPAYMENT_DUE": Text(
        "贷记卡将于 {due_on} 还款,应还 {amount} {currency}。",
        "A card repayment of {amount} {currency} is due on {due_on}.",
    ),
    "R02.DEPOSIT_MATURES": Text(
        "定期存款将于 {due_on} 到期,金额 {amount} {currency},请联系转存。",
        "A deposit of {amount} {currency} matures on {due_on}; offer to renew it.",
    ),
    "R02.WEALTH_MATURES": Text(
        "理财产品将于 {due_on} 到期,金额 {amount} {currency}。",
        "A wealth product of {amount} {currency} matures on {due_on}.",
    ),
    "R02.DOCUMENT_EXPIRES": Text(
        "客户证件将于 {due_on} 到期,请提醒更新。",
        "The customer's document expires on {due_on}; ask for the new one.",
    ),
    "R02.RISK_PROFILE_EXPIRES": Text(
        "风险测评将于 {due_on} 到期,请安排重新测评。",
        "The risk profile expires on {due_on}; arrange a new one.",
    ),
}


def title(rule_code: str, language: Language) -> str:
    """The name of the rule; its code where this version does not know it."""
    rule = RULES.get(rule_code)
    if rule is None:
        return rule_code
    return rule.name_en if language == "en" else rule.name_zh


def text(reminder: Mapping[str, Any], language: Language) -> str:
    """What happened and what to do; the title alone where a value is missing."""
    template = _TEMPLATES.get(reminder["rule_code"])
    amount: Decimal | None = reminder["amount"]
    values = {
        **reminder["facts"],
        "currency": reminder["currency"],
        **({"amount": f"{amount:,.2f}"} if amount is not None else {}),
        **({"due_on": reminder["due_on"].isoformat()} if reminder["due_on"] else {}),
    }
    try:
        return "" if template is None else template.in_(language).format_map(values)
    except KeyError:
        return title(reminder["rule_code"], language)
