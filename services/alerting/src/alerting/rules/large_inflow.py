"""R01.LARGE_INFLOW: one credit of at least N, by type of customer."""

from alerting.rules.large_movement import LargeMovement

LARGE_INFLOW = LargeMovement("R01.LARGE_INFLOW", "credit")
