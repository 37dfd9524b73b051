"""The code lists of reminders, for screens that offer a choice."""

from typing import Any

from crm_shared.reminder_rules import RULES
from ocrm_api.languages import Language, Text
from ocrm_api.reminders.outcomes import OUTCOMES
from ocrm_api.reminders.transitions import STATUS_NAMES
from ocrm_api.reminders.waking import EVENTS


def lists(language: Language) -> dict[str, Any]:
    """Every list with the names of its codes."""
    return {
        "statuses": [_named(code, name, language) for code, name in STATUS_NAMES.items()],
        "outcomes": [
            _named(code, outcome.name, language) | {"useful": outcome.useful}
            for code, outcome in OUTCOMES.items()
        ],
        "waking_events": [_named(code, waking.name, language) for code, waking in EVENTS.items()],
        "rules": [
            _named(rule.code, Text(rule.name_zh, rule.name_en), language) for rule in RULES.values()
        ],
    }


def _named(code: str, name: Text, language: Language) -> dict[str, Any]:
    return {"code": code, "name": name.in_(language), "name_zh": name.zh, "name_en": name.en}
