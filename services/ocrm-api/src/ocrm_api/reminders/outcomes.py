"""The code list of outcomes: what came of a reminder, by which its rule is measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ocrm_api.languages import Text

OutcomeCode = Literal[
    "interested", "sold", "resolved", "not_interested", "not_reached", "not_relevant", "other"
]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A name in both languages, and whether the reminder was of use."""

    name: Text
    #: None says nothing of the rule: nobody was reached, or something else came up.
    useful: bool | None


OUTCOMES: Mapping[OutcomeCode, Outcome] = {
    "interested": Outcome(Text("客户有意向", "The customer is interested"), True),
    "sold": Outcome(Text("已办理业务", "Business was done"), True),
    "resolved": Outcome(Text("问题已解决", "Resolved"), True),
    "not_interested": Outcome(Text("客户无意向", "The customer is not interested"), True),
    "not_reached": Outcome(Text("未联系上客户", "The customer was not reached"), None),
    "not_relevant": Outcome(Text("提醒无价值", "The reminder was of no use"), False),
    "other": Outcome(Text("其他", "Other"), None),
}
