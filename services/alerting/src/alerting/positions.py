"""Whether PostgreSQL still has what was made durable there: it may have been restored."""

from collections.abc import Mapping

from alerting.ownership import FencedError, Partition, Progress
from crm_shared import kafka_positions


def require_not_set_back(
    progress: Mapping[Partition, Progress], durable: Mapping[Partition, int]
) -> None:
    """`FencedError` where PostgreSQL has less of a partition than we have made durable there."""
    kept = {partition: one.next_offset for partition, one in progress.items()}
    if sentence := kafka_positions.set_back(kept, durable):
        raise FencedError(f"{sentence}; joining again.")
