"""The words for the codes in the facts of reminders: classes of loans, changed data, accounts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from crm_shared.festivals import FESTIVALS
from ocrm_api.languages import Language, Text

#: The five classes of loans (five-tier classification of the People's Bank of China).
_CLASSES = {
    "normal": Text("正常", "normal"),
    "special_mention": Text("关注", "special mention"),
    "substandard": Text("次级", "substandard"),
    "doubtful": Text("可疑", "doubtful"),
    "loss": Text("损失", "loss"),
}
#: What R03.KEY_DATA_CHANGED tells of: the name of what changed, never its value.
_FIELDS = {
    "name": Text("名称", "name"),
    "document_type": Text("证件类型", "document type"),
    "document_no": Text("证件号码", "document number"),
    "phone": Text("电话", "phone number"),
    "address": Text("地址", "address"),
    "legal_representative": Text("法定代表人", "legal representative"),
}
_PRODUCTS = {
    "demand": Text("活期存款", "demand deposit"),
    "time": Text("定期存款", "time deposit"),
    "certificate": Text("大额存单", "certificate of deposit"),
}
_CURRENCIES = {
    "CNY": Text("元", "CNY"),
    "USD": Text("美元", "USD"),
    "EUR": Text("欧元", "EUR"),
    "HKD": Text("港元", "HKD"),
    "JPY": Text("日元", "JPY"),
    "GBP": Text("英镑", "GBP"),
}
_OF_FACTS = {"before": _CLASSES, "after": _CLASSES, "product": _PRODUCTS}


def currency(code: str, language: Language) -> str:
    """The unit of an amount as people write it after the number; its code where it has no word."""
    known = _CURRENCIES.get(code)
    return code if known is None else known.in_(language)


def festival(day: date, language: Language) -> str | None:
    """The festival of a day; None where none is known."""
    found = next((one for one in FESTIVALS if one.day == day), None)
    return None if found is None else found.name_en if language == "en" else found.name_zh


def worded(facts: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The facts with words for codes. What has no word is left out: a text does without it."""
    said = {
        name: known[value].in_(language) if (known := _OF_FACTS.get(name)) else value
        for name, value in facts.items()
        if name not in _OF_FACTS or value in _OF_FACTS[name]
    }
    fields = str(said.pop("fields", "")).split("+")
    if all(one in _FIELDS for one in fields):
        said["fields"] = _listed([_FIELDS[one].in_(language) for one in fields], language)
    return said


def _listed(names: list[str], language: Language) -> str:
    if language != "en":
        return "、".join(names)
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last
