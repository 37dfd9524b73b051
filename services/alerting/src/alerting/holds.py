"""Partitions held at the limit of open dead letters in a row: they wait for a person, others go on.

How many letters in a row are open says the database, whether the next record would be one more says
the record: whoever takes the partition over comes to the same. Since when it waits is kept with the
partition, for people alone.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress

from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from alerting import metrics
from alerting.ownership import Partition, Progress
from crm_shared import logging
from crm_shared.kafka_records import Record, partition_of

_log = logging.get(__name__)


class Holds:
    """Which partitions of a member are held; they are not fetched."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: set[Partition] = set()

    @property
    def partitions(self) -> Collection[Partition]:
        """Those that are held now."""
        return self._held

    def without(self, records: Sequence[Record]) -> Sequence[Record]:
        """The records of the other partitions."""
        if not self._held:
            return records
        return [one for one in records if partition_of(one) not in self._held]

    def note(self, client: KafkaConsumer, progress: Mapping[Partition, Progress]) -> None:
        """Hold the partitions of which a batch found so, at the first record that it left alone."""
        for partition, one in progress.items():
            metrics.HELD.labels(*partition).set(one.held)
            if not one.held:
                continue
            self._held.add(partition)
            with suppress(ValueError, KeyError):  # it was revoked meanwhile
                client.seek(TopicPartition(*partition), one.next_offset)
                client.pause(TopicPartition(*partition))
            _log.error(
                "partition_held", topic=partition[0], partition=partition[1],
                offset=one.next_offset, open_dead_letters_in_a_row=one.open_in_a_row,
                do="look at `alerting dead-letters list`; it goes on once they are settled or"
                " requeued",
            )  # fmt: skip

    def lift(
        self, client: KafkaConsumer, progress: Mapping[Partition, Progress]
    ) -> list[Partition]:
        """Let those go on of whose dead letters so many were settled or requeued that fewer than
        the limit are open; which these are."""
        lifted = [
            one
            for one in sorted(self._held & progress.keys())
            if progress[one].open_in_a_row < self._limit
        ]
        for partition in lifted:
            self._held.remove(partition)
            client.resume(*client.paused() & {TopicPartition(*partition)})
            metrics.HELD.labels(*partition).set(0)
            _log.info("partition_goes_on", topic=partition[0], partition=partition[1])
        return lifted

    def forget(self, client: KafkaConsumer) -> None:
        """The assignment has changed: whatever is ours is fetched and looked at again."""
        client.resume(*client.paused())
        self._held.clear()
