"""What people read of every reminder: whole in both languages, with what its rule really says, and
nothing that they must not know."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from string import Formatter
from typing import Any
from uuid import UUID

import pytest

from alerting import reminders, rules
from alerting.contract import Message, event_of
from alerting.evaluation import Firing
from alerting.rules.frequent_transfers_out import transfer_to_other_bank
from alerting.rules.key_data_changed import KEY_FIELDS
from alerting.rules.protocol import EVERYBODY, Fired, Parameters, Scope
from alerting.ruleset import RuleInForce
from alerting.windows import Timeline
from crm_shared import ids
from crm_shared.events.reminders import ReminderRaised
from crm_shared.reminder_rules import RULES
from ocrm_api.languages import Language
from ocrm_api.notifications import texts as notified
from ocrm_api.notifications.delivery import Line, Notification
from ocrm_api.reminders import texts
from tests.alerting.bookings import booking, closure, transfer_out
from tests.alerting.test_rules_of_credit import FIRING, event

LANGUAGES: tuple[Language, ...] = ("zh-CN", "en")

#: Values that nobody else has, so that they are seen wherever they are told.
_PARAMETERS = Parameters(
    {
        "movement.individual_min_amount": Decimal("31313.13"),
        "movement.business_min_amount": Decimal("32323.23"),
        "card_spend.min_amount": Decimal("33333.33"),
        "frequent_transfers.min_count": Decimal(4),
        "frequent_transfers.window_hours": Decimal(24),
    }
)
_TIER = Scope("B", "gold")
_TRANSFERS = [transfer_out(number) for number in range(1, 6)]

#: Events for which each rule of the stream fires, also with as little as the contract asks for.
_EVENTS: dict[str, list[Message]] = {
    **{code: [judged] for code, (judged, _, _) in FIRING.items()},
    "R01.LARGE_INFLOW": [booking(1, amount="9000000.00")],
    "R01.LARGE_OUTFLOW": [booking(1, amount="9000000.00", direction="debit")],
    "R01.FREQUENT_TRANSFERS_OUT": [_TRANSFERS[0]],
    "R01.ACCOUNT_CLOSED": [closure(1)],
}
_EVENTS["R03.ARREARS"].append(event("loan.changed", amount=None))
_EVENTS["R03.OVERDUE"].append(event("loan.changed", change="overdue", amount=None))

#: Reminders of the batch that are of no amount.
_WITHOUT_AMOUNT = {code for code in RULES if code.startswith("R04.")} | {
    "R02.DOCUMENT_EXPIRES", "R02.RISK_PROFILE_EXPIRES", "R05.NOT_MAINTAINED", "R05.NEWLY_ASSIGNED",
}  # fmt: skip


def messages(
    code: str, scope: Scope, events: list[Message] | None = None
) -> Iterator[ReminderRaised]:
    """What alerting tells of the events, as decided by a scope."""
    rule = rules.RULES[code]
    timeline = Timeline(one for it in _TRANSFERS if (one := transfer_to_other_bank(event_of(it))))
    for told in events or _EVENTS[code]:
        judged = event_of(told)
        outcome = rule.evaluate(judged, timeline, _PARAMETERS)
        assert isinstance(outcome, Fired)
        reminder_id = ids.reminder_id(code, outcome.subject, outcome.window)
        in_force = RuleInForce(rule, 1, _PARAMETERS)
        firing = Firing(reminder_id, in_force, judged, outcome, late=False, scope=scope)
        yield reminders.message_of(firing, 1)


def read(message: ReminderRaised, language: Language) -> str:
    """The text as the OCRM shows it."""
    fields = ("rule_code", "amount", "currency", "due_on", "facts")
    return texts.text({name: getattr(message, name) for name in fields}, language)


def test_every_rule_of_the_stream_is_tried() -> None:
    assert _EVENTS.keys() == rules.RULES.keys()
    assert rules.RULES.keys() == {code for code, one in RULES.items() if one.path != "batch"}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", rules.RULES)
def test_what_the_stream_says_fills_a_template(code: str, language: Language) -> None:
    for message in [*messages(code, EVERYBODY), *messages(code, _TIER)]:
        said = read(message, language)
        assert said not in ("", texts.title(code, language))
        assert not re.search(r"[{}]|None", said)


@pytest.mark.parametrize("code", rules.RULES)
def test_a_message_that_a_tier_decided_tells_neither_the_tier_nor_its_threshold(code: str) -> None:
    for message in messages(code, _TIER):
        sent = message.to_bytes().decode()
        assert [it for it in ("gold", "31313", "32323", "33333", "threshold") if it in sent] == []


@pytest.mark.parametrize("code", rules.RULES)
def test_no_text_tells_a_threshold_or_a_number_of_an_account(code: str) -> None:
    for message in messages(code, EVERYBODY):
        for language in LANGUAGES:
            told = set(re.findall(r"[\d.,]{4,}", read(message, language)))
            assert told <= ({f"{message.amount:,.2f}"} if message.amount is not None else set())


@pytest.mark.parametrize("code", [code for code, one in RULES.items() if one.path != "stream"])
def test_what_the_batch_says_fills_a_template(code: str) -> None:
    said: Mapping[str, Any] = {
        "rule_code": code, "currency": "CNY", "due_on": date(2026, 7, 3),
        "amount": None if code in _WITHOUT_AMOUNT else Decimal("1234.50"),
        "facts": {"due_on": "2026-07-03", "days_ahead": "2"},
    }  # fmt: skip
    chinese, english = (texts.text(said, language) for language in LANGUAGES)
    for one, language in ((chinese, LANGUAGES[0]), (english, LANGUAGES[1])):
        assert one not in ("", texts.title(code, language))
        assert not re.search(r"[{}]|None", one)
    for value in ("1,234.50", "2026-07-03"):
        assert (value in chinese) == (value in english)


def test_a_downgrade_says_from_which_class_to_which() -> None:
    told = event("loan.changed", change="class_changed", five_tier_before="special_mention",
                 five_tier_after="doubtful")  # fmt: skip
    [message] = messages("R03.DOWNGRADE", EVERYBODY, [told])
    assert [read(message, one) for one in LANGUAGES] == [
        "贷款五级分类由“关注”下调为“可疑”，请关注风险。",
        "The class of a loan was lowered from special mention to doubtful; look at the risk.",
    ]


@pytest.mark.parametrize(
    ("fields", "chinese", "english"),
    [
        (("phone",), "电话", "phone number"),
        (("phone", "occupation", "address", "document_no"), "地址、证件号码、电话",
         "address, document number and phone number"),
    ],
)  # fmt: skip
def test_changed_data_are_named_in_words(
    fields: tuple[str, ...], chinese: str, english: str
) -> None:
    [message] = messages(
        "R03.KEY_DATA_CHANGED", EVERYBODY, [event("customer.changed", fields=fields)]
    )
    assert [read(message, one) for one in LANGUAGES] == [
        f"客户关键信息已变更：{chinese}，请与客户核实。",
        f"The customer's {english} changed; check with the customer.",
    ]


@pytest.mark.parametrize("column", sorted(KEY_FIELDS))
def test_every_key_field_has_a_word(column: str) -> None:
    said = {"rule_code": "R03.KEY_DATA_CHANGED", "currency": "CNY", "due_on": None, "amount": None}
    for language in LANGUAGES:
        vague = texts.text({**said, "facts": {}}, language)
        assert texts.text({**said, "facts": {"fields": column}}, language) != vague
        assert texts.text({**said, "facts": {"fields": f"{column}+unheard_of"}}, language) == vague


@pytest.mark.parametrize("code", RULES)
def test_both_languages_are_there_and_name_the_same_values(code: str) -> None:
    for text in texts.templates(code):
        chinese, english = (sorted(_names(text.in_(one))) for one in LANGUAGES)
        assert chinese == english
        assert re.search(r"[一-鿿]", text.zh)
        assert not re.search(r"[一-鿿]", text.en)
    assert texts.templates(code)
    assert len({texts.title(code, one) for one in LANGUAGES}) == 2


def _names(template: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(template) if name is not None]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_leaves_the_bank_tells_no_value_at_all(language: Language) -> None:
    lines = [Line(code, one.priority, False, 1) for code, one in RULES.items()]
    for line in lines:
        told = _notification(language, [line])
        said = f"{notified.title(told)}\n{notified.text(told, None)}"
        assert not re.search(r"[{}]|None|\d{2,}", said)
        assert texts.title(line.rule_code, language) in said


def _notification(language: Language, lines: list[Line]) -> Notification:
    return Notification(
        notification_id=UUID(int=1), employee_id="M1", kind="urgent", language=language,
        attempts=0, created_at=datetime(2026, 7, 1, tzinfo=UTC), reminder_id=None,
        lines=tuple(lines),
    )  # fmt: skip
