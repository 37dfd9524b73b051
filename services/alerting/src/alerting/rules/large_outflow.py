"""R01.LARGE_OUTFLOW: one debit of at least N, by type of customer."""

from alerting.rules.large_movement import LargeMovement

LARGE_OUTFLOW = LargeMovement("R01.LARGE_OUTFLOW", "debit")
