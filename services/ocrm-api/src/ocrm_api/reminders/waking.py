"""The events until which a reminder can be snoozed, and the rules by which they are known."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ocrm_api.languages import Text

WakingEvent = Literal["new_reminder", "funds_movement", "lobby_arrival"]


@dataclass(frozen=True, slots=True)
class Waking:
    """An event: its name, and what the codes of the rules that tell of it begin with."""

    name: Text
    rules: tuple[str, ...]


EVENTS: Mapping[WakingEvent, Waking] = {
    "new_reminder": Waking(Text("该客户有新提醒", "Another reminder of the customer"), ("R",)),
    "funds_movement": Waking(
        Text("该客户资金异动", "A movement of the customer's funds"), ("R01.",)
    ),
    "lobby_arrival": Waking(
        Text("该客户到店", "The customer's arrival in the lobby"), ("R05.LOBBY_ARRIVAL",)
    ),
}


def events_of(rule_code: str) -> list[WakingEvent]:
    """The events that a reminder of this rule tells of."""
    return [event for event, waking in EVENTS.items() if rule_code.startswith(waking.rules)]
