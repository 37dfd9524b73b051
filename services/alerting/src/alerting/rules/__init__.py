"""The rules of the stream, one file each."""

from alerting.rules.account_closed import ACCOUNT_CLOSED
from alerting.rules.arrears import ARREARS
from alerting.rules.card_overdue import CARD_OVERDUE
from alerting.rules.downgrade import DOWNGRADE
from alerting.rules.frequent_transfers_out import FREQUENT_TRANSFERS_OUT
from alerting.rules.key_data_changed import KEY_DATA_CHANGED
from alerting.rules.large_card_spend import LARGE_CARD_SPEND
from alerting.rules.large_inflow import LARGE_INFLOW
from alerting.rules.large_outflow import LARGE_OUTFLOW
from alerting.rules.lobby_arrival import LOBBY_ARRIVAL
from alerting.rules.overdue import OVERDUE
from alerting.rules.protocol import Rule

__all__ = [
    "ACCOUNT_CLOSED",
    "ARREARS",
    "CARD_OVERDUE",
    "DOWNGRADE",
    "FREQUENT_TRANSFERS_OUT",
    "KEY_DATA_CHANGED",
    "LARGE_CARD_SPEND",
    "LARGE_INFLOW",
    "LARGE_OUTFLOW",
    "LOBBY_ARRIVAL",
    "OVERDUE",
    "RULES",
]

_ALL: tuple[Rule, ...] = (
    LARGE_INFLOW,
    LARGE_OUTFLOW,
    FREQUENT_TRANSFERS_OUT,
    ACCOUNT_CLOSED,
    LARGE_CARD_SPEND,
    ARREARS,
    OVERDUE,
    DOWNGRADE,
    CARD_OVERDUE,
    KEY_DATA_CHANGED,
    LOBBY_ARRIVAL,
)

#: Every rule by its code.
RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
