"""The texts of reminders: a template per rule and language, filled from amount, date, facts."""

import contextlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from crm_shared.reminder_rules import RULES
from ocrm_api.languages import Language, Text
from ocrm_api.reminders import vocabulary

_TEMPLATES = {
    "R01.LARGE_INFLOW": Text(
        "转入 {amount} {currency}，请了解资金来源并及时跟进。",
        "{amount} {currency} came in; find out where it came from, and follow up.",
    ),
    "R01.LARGE_OUTFLOW": Text(
        "转出 {amount} {currency}，请尽快联系客户挽留资金。",
        "{amount} {currency} went out; contact the customer soon to keep the funds.",
    ),
    "R01.FREQUENT_TRANSFERS_OUT": Text(
        "{window_hours} 小时内向他行转账 {value} 次，合计 {amount} {currency}，请了解原因。",
        "{value} transfers to other banks within {window_hours} hours, {amount} {currency} in all;"
        " find out why.",
    ),
    "R01.LARGE_CARD_SPEND": Text(
        "贷记卡消费 {amount} {currency}，请了解客户需求。",
        "{amount} {currency} was spent by credit card; find out what the customer needs.",
    ),
    "R02.LOAN_MATURES": Text(
        "贷款将于 {due_on} 到期，余额 {amount} {currency}，请联系客户安排还款或续贷。",
        "A loan matures on {due_on}; {amount} {currency} is outstanding. Arrange repayment or"
        " renewal with the customer.",
    ),
    "R02.REPAYMENT_DUE": Text(
        "贷款将于 {due_on} 还款，应还 {amount} {currency}，请提醒客户备足资金。",
        "A loan repayment of {amount} {currency} is due on {due_on}; remind the customer.",
    ),
    "R02.CARD_REPAYMENT_DUE": Text(
        "贷记卡将于 {due_on} 还款，应还 {amount} {currency}，请提醒客户。",
        "A card repayment of {amount} {currency} is due on {due_on}; remind the customer.",
    ),
    "R02.WEALTH_MATURES": Text(
        "理财产品将于 {due_on} 到期，金额 {amount} {currency}，请联系客户续作。",
        "A wealth product of {amount} {currency} matures on {due_on}; offer to reinvest it.",
    ),
    "R02.DOCUMENT_EXPIRES": Text(
        "客户证件将于 {due_on} 到期，请提醒更新。",
        "The customer's identity document expires on {due_on}; ask for the new one.",
    ),
    "R02.RISK_PROFILE_EXPIRES": Text(
        "风险测评将于 {due_on} 到期，请安排重新测评。",
        "The risk profile expires on {due_on}; arrange a new one.",
    ),
    "R03.CARD_OVERDUE": Text(
        "贷记卡账单逾期未还，金额 {amount} {currency}，请联系客户还款。",
        "A card statement of {amount} {currency} is overdue; ask the customer to pay it.",
    ),
    "R04.BIRTHDAY": Text(
        "客户生日是 {due_on}，请送上祝福。",
        "The customer's birthday is on {due_on}; send greetings.",
    ),
    "R04.TIER_UP": Text(
        "客户等级上升，请按新等级提供服务。",
        "The customer rose to a higher tier; serve by its standard.",
    ),
    "R04.TIER_DOWN": Text(
        "客户等级下降，请了解原因。",
        "The customer fell to a lower tier; find out why.",
    ),
    "R04.BECAME_KEY": Text(
        "客户成为重点客户，请安排专属维护。",
        "The customer became a key customer; arrange a private manager.",
    ),
    "R04.DORMANT": Text(
        "客户转为睡眠客户，请联系激活。",
        "The customer became dormant; get in touch.",
    ),
    "R04.PROSPECT_CONVERTED": Text(
        "潜在客户首次办理业务，请跟进。",
        "A prospect did business with the bank for the first time; follow up.",
    ),
    "R05.VISIT_QUOTA_NOT_MET": Text(
        "走访次数未达标，贷款余额 {amount} {currency}，请在 {due_on} 前走访客户。",
        "Visits are still missing, for loans of {amount} {currency}; visit the customer before"
        " {due_on}.",
    ),
    "R05.NOT_MAINTAINED": Text(
        "重点客户长期未走访或通话，请尽快维护。",
        "This key customer has not been visited or called for a long time; do so soon.",
    ),
    "R05.LOBBY_ARRIVAL": Text(
        "客户已到店取号（{ticket_id}），请前往接待。",
        "The customer is in the lobby with ticket {ticket_id}; please go and meet the customer.",
    ),
    "R05.NEWLY_ASSIGNED": Text(
        "客户新分配给您主办，请首次联系。",
        "You now lead this customer; make the first contact.",
    ),
}


#: Where a source does not always say all: the first that can be filled.
_VARIANTS = {
    "R01.ACCOUNT_CLOSED": (
        Text(
            "客户的{product}账户已销户，销户金额 {amount} {currency}，请回访客户。",
            "A {product} account was closed with {amount} {currency}; call the customer.",
        ),
        Text(
            "一个存款账户已销户，销户金额 {amount} {currency}，请回访客户。",
            "A deposit account was closed with {amount} {currency}; call the customer.",
        ),
    ),
    "R02.DEPOSIT_MATURES": (
        Text(
            "定期存款将于 {due_on} 到期，金额 {amount} {currency}，请联系转存。",
            "A deposit of {amount} {currency} matures on {due_on}; offer to renew it.",
        ),
        Text(
            "定期存款将于 {due_on} 到期，请联系转存。",
            "A deposit matures on {due_on}; offer to renew it.",
        ),
    ),
    "R03.DOWNGRADE": (
        Text(
            "贷款五级分类由“{before}”下调为“{after}”，请关注风险。",
            "The class of a loan was lowered from {before} to {after}; look at the risk.",
        ),
        Text(
            "贷款五级分类下调，请关注风险。", "The class of a loan was lowered; look at the risk."
        ),
    ),
    "R03.KEY_DATA_CHANGED": (
        Text(
            "客户关键信息已变更：{fields}，请与客户核实。",
            "The customer's {fields} changed; check with the customer.",
        ),
        Text(
            "客户关键信息（证件、电话、地址等）已变更，请与客户核实。",
            "Key data of the customer (document, phone, address …) changed; check with the"
            " customer.",
        ),
    ),
    "R04.FESTIVAL": (
        Text(
            "{due_on} 是{festival}，请向重点客户致以问候。",
            "{due_on} is {festival}; greet this key customer.",
        ),
        Text(
            "{due_on} 是节日，请向重点客户致以问候。",
            "{due_on} is a festival; greet this key customer.",
        ),
    ),
    "R03.OVERDUE": (
        Text(
            "贷款已逾期 {days_overdue} 天，请跟进催收。",
            "A loan has been overdue for {days_overdue} days; follow it up.",
        ),
        Text(
            "贷款持续逾期，余额 {amount} {currency}，请跟进催收。",
            "A loan stays overdue; {amount} {currency} is outstanding. Follow it up.",
        ),
    ),
    "R03.ARREARS": (
        Text(
            "贷款欠息 {amount} {currency}，请联系客户还息。",
            "Interest of {amount} {currency} is in arrears; ask the customer to pay it.",
        ),
        Text(
            "贷款欠息，请联系客户还息。",
            "Interest of a loan is in arrears; ask the customer to pay it.",
        ),
    ),
}

#: By source why it withdraws; what another source wrote is shown as it is.
_WITHDRAWALS = {
    "alerting": Text(
        "所依据的业务已冲正或更正。",
        "What it was raised for has been reversed or corrected.",
    ),
    "acrm": Text(
        "夜间核对时该事项已不成立：已还清、已结束，或源数据已更正。",
        "At night it no longer held: paid, ended or corrected at the source.",
    ),
}


def title(rule_code: str, language: Language) -> str:
    """The name of the rule; its code where this version does not know it."""
    rule = RULES.get(rule_code)
    if rule is None:
        return rule_code
    return rule.name_en if language == "en" else rule.name_zh


def templates(rule_code: str) -> tuple[Text, ...]:
    """The templates of a rule, the one that says most first; none where this version knows none."""
    return _VARIANTS.get(rule_code) or ((_TEMPLATES[rule_code],) if rule_code in _TEMPLATES else ())


def text(reminder: Mapping[str, Any], language: Language) -> str:
    """What happened and what to do; the title alone where a value is missing."""
    code = reminder["rule_code"]
    amount: Decimal | None = reminder["amount"]
    due_on: date | None = reminder["due_on"]
    values = {
        **vocabulary.worded(reminder["facts"], language),
        "currency": vocabulary.currency(reminder["currency"], language),
        **({"amount": f"{amount:,.2f}"} if amount is not None else {}),
        **({"due_on": due_on.isoformat()} if due_on else {}),
        **(
            {"festival": name} if due_on and (name := vocabulary.festival(due_on, language)) else {}
        ),
    }
    of_rule = templates(code)
    for template in of_rule:
        with contextlib.suppress(KeyError):
            return template.in_(language).format_map(values)
    return title(code, language) if of_rule else ""


def withdrawal(reminder: Mapping[str, Any], language: Language) -> str | None:
    """Why its source withdrew it; None where it did not."""
    return reason(reminder["withdrawn_by"], reminder["withdrawn_reason"], language)


def reason(source: str | None, written: str | None, language: Language) -> str | None:
    """Why a source withdraws, in the reader's language; as it was written by any other source."""
    return known_reason(source, language) or written


def known_reason(source: str | None, language: Language) -> str | None:
    """Why a source of this product withdraws; None for any other, whose words are its own."""
    known = _WITHDRAWALS.get(source or "")
    return None if known is None else known.in_(language)
