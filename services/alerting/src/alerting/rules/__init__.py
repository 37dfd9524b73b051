"""The rules of the stream, one file each."""

from alerting.rules.account_closed import ACCOUNT_CLOSED
from alerting.rules.frequent_transfers_out import FREQUENT_TRANSFERS_OUT
from alerting.rules.large_inflow import LARGE_INFLOW
from alerting.rules.large_outflow import LARGE_OUTFLOW
from alerting.rules.protocol import Rule

__all__ = [
    "ACCOUNT_CLOSED",
    "FREQUENT_TRANSFERS_OUT",
    "LARGE_INFLOW",
    "LARGE_OUTFLOW",
    "RULES",
]

_ALL: tuple[Rule, ...] = (LARGE_INFLOW, LARGE_OUTFLOW, FREQUENT_TRANSFERS_OUT, ACCOUNT_CLOSED)

#: Every rule by its code.
RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}
