"""Records out of what a broker sends, in half of the time that kafka-python takes for it.

kafka-python makes two objects with a dozen fields of every record; we need five of them. A batch is
taken apart by kafka-python, with its checksum and compression; the records in it are read here. A
test holds the two against each other.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords
from kafka.structs import TopicPartition

from crm_shared.errors import UsageError

#: What a byte says of a number that is longer than this byte.
_MORE = 0x80


class Record(NamedTuple):
    """A message as it lies in the log, undecoded."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None


#: Of the settings of a `KafkaConsumer` that say how records are read: what is done whatever is set.
HEEDED: Mapping[str, Any] = {
    "isolation_level": "read_uncommitted",
    "check_crcs": True,
    "key_deserializer": None,
    "value_deserializer": None,
}


def refuse_unheeded(settings: Mapping[str, Any]) -> None:
    """`UsageError` where a consumer is to read otherwise than by `HEEDED`: it would not."""
    for name, value in HEEDED.items():
        if settings.get(name, value) != value:
            raise UsageError(
                f"{name} is {value} for a consumer of ours and cannot be {settings[name]!r}; leave"
                " it out, or read with a KafkaConsumer of kafka-python itself."
            )


#: Topic and number of a record's partition, and its offset there, for loops in C.
partition_of: Callable[[Record], tuple[str, int]] = itemgetter(0, 1)
offset_of: Callable[[Record], int] = itemgetter(2)


class PartitionRecords(Fetcher.PartitionRecords):  # type: ignore[misc]  # kafka-python is untyped
    """What a broker sent of one partition: a `Record` of each, in order.

    It takes the place of the class that a `Fetcher` has, for consumers of `HEEDED` settings.

    Of a producer's transaction it gives the records as soon as they are in the log, whether it is
    open, committed or aborted, and never its marks: whoever sends to us takes nothing back by
    aborting, only by an event that says so.
    """

    def _unpack_records(
        self, tp: TopicPartition, records: MemoryRecords, *deserializers: None
    ) -> Iterator[Record]:
        self.bytes_read = records.size_in_bytes()
        last = None
        while (batch := records.next_batch()) is not None:
            last = batch
            if not batch.validate_crc():
                raise CorruptRecordError(
                    f"The records of {tp.topic}, partition {tp.partition}, from offset "
                    f"{batch.base_offset}, are not what was sent: their checksum differs."
                )
            if isinstance(batch, DefaultRecordBatch):
                # By it the client finds out that a log was cut off behind where it reads.
                self.leader_epoch = batch.leader_epoch
            for record in _records_of(batch, tp):
                self.records_read += 1
                self.next_fetch_offset = record.offset + 1
                yield record
        if isinstance(last, DefaultRecordBatch):
            # Behind the last offset there was, which compaction may have removed.
            self.next_fetch_offset = last.next_offset
        self.drain()


def _records_of(batch: Any, tp: TopicPartition) -> list[Record]:
    topic, partition = tp
    if not isinstance(batch, DefaultRecordBatch):
        # From before Kafka 0.11.
        return [Record(topic, partition, one.offset, one.key, one.value) for one in batch]
    if batch.is_control_batch:
        return []
    try:
        return _unpacked(batch, topic, partition)
    except IndexError:
        raise _malformed(batch, topic, partition) from None


def _unpacked(batch: DefaultRecordBatch, topic: str, partition: int) -> list[Record]:
    """Read length, attributes, time, offset, key, value and headers of one record after another.

    Numbers are `varint`s, twice the value, or one less than twice of what is below zero: so null is
    odd. Nearly all take a byte or two; a function for each would be half of the time. Of time,
    attributes and headers nothing is read.
    """
    iter(batch)  # Uncompresses it.
    buffer, at, base = bytes(batch._buffer), batch._pos, batch.base_offset
    found = []
    for _ in range(batch.records_count):
        size = buffer[at]
        at += 1
        if size >= _MORE:
            size, at = _longer(buffer, at, size)
        end = at + (size >> 1)
        at += 1
        while buffer[at] >= _MORE:
            at += 1
        delta = buffer[at + 1]
        at += 2
        if delta >= _MORE:
            delta, at = _longer(buffer, at, delta)
        size = buffer[at]
        at += 1
        if size >= _MORE:
            size, at = _longer(buffer, at, size)
        key = None
        if not size & 1:
            key = buffer[at : at + (size >> 1)]
            at += size >> 1
        size = buffer[at]
        at += 1
        if size >= _MORE:
            size, at = _longer(buffer, at, size)
        value = None
        if not size & 1:
            value = buffer[at : at + (size >> 1)]
            at += size >> 1
        if at >= end:
            raise _malformed(batch, topic, partition)
        at = end
        found.append(Record(topic, partition, base + (delta >> 1), key, value))
    if at != len(buffer):
        raise _malformed(batch, topic, partition)
    return found


def _longer(buffer: bytes, at: int, first: int) -> tuple[int, int]:
    """A number of more than one byte, of which the first was read, and where the next one is."""
    number, shift = first & 0x7F, 7
    while True:
        byte = buffer[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < _MORE:
            return number, at
        shift += 7


def _malformed(batch: DefaultRecordBatch, topic: str, partition: int) -> CorruptRecordError:
    return CorruptRecordError(
        f"The records of {topic}, partition {partition}, from offset {batch.base_offset}, cannot "
        "be told from one another."
    )
