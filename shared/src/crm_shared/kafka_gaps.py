"""Records that were deleted from the topic before they were read: found, to be said out loud.

Where the position of the group no longer exists, the broker's client goes on at the earliest record
there is and says nothing. Ours is kept in PostgreSQL, so what lies between is known exactly.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from crm_shared.kafka_positions import Partition
from crm_shared.kafka_records import Record, offset_of, partition_of


@dataclass(frozen=True, slots=True)
class Gap:
    """Records of a partition, from the first to the last offset, that nobody will ever see."""

    topic: str
    partition: int
    first: int
    last: int

    @property
    def records(self) -> int:
        """How many."""
        return self.last - self.first + 1


def beginnings(client: KafkaConsumer, partitions: Collection[Partition]) -> dict[Partition, int]:
    """The first offset that the topic still has of each; `KafkaError` where no broker says it."""
    wanted = [TopicPartition(*one) for one in partitions]
    found = client.beginning_offsets(wanted, timeout_ms=5_000)
    return {(one.topic, one.partition): offset for one, offset in found.items()}


def find(
    records: Sequence[Record],
    expected: Mapping[Partition, int],
    beginnings: Callable[[Collection[Partition]], Mapping[Partition, int]],
) -> list[Gap]:
    """The gaps before these records, where work on their partition had begun.

    Offsets may be missing without a loss, as those of a producer's transactions: a gap is one only
    if the topic begins behind the offset that was `expected`, or does not say where it begins.
    """
    backwards = records[::-1]
    first = dict(zip(map(partition_of, backwards), map(offset_of, backwards), strict=True))
    ahead = {one: at for one, at in first.items() if at > expected.get(one, 0) > 0}
    if not ahead:
        return []
    try:
        begins = beginnings(ahead)
    except KafkaError:
        begins = ahead
    return [
        Gap(*one, first=expected[one], last=min(begins[one], at) - 1)
        for one, at in ahead.items()
        if begins[one] > expected[one]
    ]
