"""Where work on a partition begins: where PostgreSQL says that it ended.

A PostgreSQL that was restored, or failed over to a replica that was behind, has forgotten what came
last, effects and offsets alike, while the broker still remembers the offsets. Whoever went on where
the broker says would never make those effects again.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from kafka import KafkaConsumer
from kafka.errors import IllegalStateError, KafkaTimeoutError
from kafka.structs import TopicPartition

from crm_shared import logging

_log = logging.get(__name__)

#: Topic and number.
Partition = tuple[str, int]

_TIMEOUT_MS = 5_000


def read(client: KafkaConsumer, partitions: Iterable[Partition]) -> dict[Partition, int]:
    """The offsets that the client fetches next, of the partitions that are still ours.

    Unlike the record worked on last, they are past what no client sees: the marks of a producer's
    transactions, and what retention has deleted. `KafkaTimeoutError` where the broker says nothing.
    """
    found = {}
    for partition in partitions:
        with suppress(IllegalStateError):  # it was revoked meanwhile
            offset = client.position(TopicPartition(*partition), timeout_ms=_TIMEOUT_MS)
            if offset is None:
                raise KafkaTimeoutError(f"No position of partition {partition[1]}, {partition[0]}.")
            found[partition] = offset
    return found


def go_back(client: KafkaConsumer, durable: Mapping[Partition, int]) -> None:
    """Go back to the next offset that PostgreSQL has, by partition, where the client is past it.

    Never forward: what comes once more is known by its ids. Not further than to what the topic
    still has; a gap is told as one. A partition of which nothing was ever made durable begins at
    its first record, wherever the broker remembers a group of ours. `KafkaTimeoutError` where the
    broker does not say where it begins.
    """
    past = {
        partition: offset
        for partition, offset in read(client, sorted(durable)).items()
        if offset > durable[partition]
    }
    begins = client.beginning_offsets([TopicPartition(*one) for one in past]) if past else {}
    for partition, offset in past.items():
        next_offset = max(durable[partition], begins[TopicPartition(*partition)])
        if offset > next_offset:
            with suppress(ValueError):  # it was revoked meanwhile
                client.seek(TopicPartition(*partition), next_offset)
            _log.warning(
                "behind_the_broker", topic=partition[0], partition=partition[1],
                next_offset=next_offset, offset_of_broker=offset,
                do="nothing: what the topic has is worked on again",
            )  # fmt: skip


def set_back(kept: Mapping[Partition, int], durable: Mapping[Partition, int]) -> str | None:
    """A sentence where PostgreSQL has `kept` less of a partition than we have made durable."""
    for partition, offset in durable.items():
        if kept.get(partition, offset) < offset:
            return (
                f"PostgreSQL was set back: partition {partition[1]} of {partition[0]} goes on at "
                f"offset {kept[partition]} there, and was at {offset}"
            )
    return None
