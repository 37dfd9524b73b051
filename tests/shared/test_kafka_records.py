"""Records are read as kafka-python reads them, and what is damaged is refused."""

import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kafka.consumer.fetcher import Fetcher
from kafka.errors import CorruptRecordError
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder
from kafka.structs import TopicPartition

from crm_shared.kafka_records import PartitionRecords, Record

PARTITION = TopicPartition("crm.records", 3)
NONE, GZIP, LZ4 = 0, 1, 3

Message = tuple[int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]

TEXTS = st.one_of(st.none(), st.binary(max_size=70), st.integers(0, 20_000).map(bytes))
MESSAGES: st.SearchStrategy[list[Message]] = st.lists(
    st.tuples(
        st.integers(0, 2**45), TEXTS, TEXTS,
        st.lists(st.tuples(st.text(max_size=3), TEXTS), max_size=2),
    ),
    min_size=1, max_size=70,
)  # fmt: skip

#: Format and compression; the oldest two are those from before Kafka 0.11.
FORMATS = st.sampled_from([(2, LZ4), (2, GZIP), (2, NONE), (1, GZIP), (0, NONE)])


def sent(
    messages: Sequence[Message], magic: int = 2, codec: int = LZ4, first: int = 0, step: int = 1
) -> bytes:
    """One batch with these messages, every `step`th offset, as a broker keeps it."""
    builder = MemoryRecordsBuilder(magic, codec, 2**24, offset=first)
    for at, key, value, headers in messages:
        assert builder.append(at, key, value, headers if magic == 2 else [])
        builder.skip(step - 1)
    builder.close()
    return bytes(builder.buffer())


def record(offset: int, key: bytes | None, value: bytes | None) -> Record:
    """A record of the partition."""
    return Record(PARTITION.topic, PARTITION.partition, offset, key, value)


def moved(batch: bytes, base: int, epoch: int = 0) -> bytes:
    """The batch as the broker numbers it: its checksum covers neither offset nor epoch."""
    return struct.pack(">q", base) + batch[8:12] + struct.pack(">i", epoch) + batch[16:]


def read(
    of: Callable[..., Any], log: bytes, since: int, portion: int
) -> tuple[list[Any], tuple[int, int]]:
    """What is read from an offset on, so many records at a time; where the next ones begin, and the
    leader's epoch."""
    records = of(since, PARTITION, MemoryRecords(memoryview(log)))
    found: list[Any] = []
    while records:
        found += records.take(portion)
    return found, (records.next_fetch_offset, records.leader_epoch)


@settings(max_examples=40, deadline=None)
@given(
    logs=st.lists(st.tuples(MESSAGES, FORMATS, st.integers(1, 300)), min_size=1, max_size=3),
    since=st.integers(0, 200),
    portion=st.integers(1, 70),
)
@example(
    logs=[([(0, None, b"", [])], (2, NONE), 1), ([(2**40, b"", None, [("", b"")])], (2, LZ4), 300)],
    since=0,
    portion=1,
)
def test_records_are_those_that_kafka_python_reads(
    logs: list[tuple[list[Message], tuple[int, int], int]], since: int, portion: int
) -> None:
    log, first = b"", 0
    for messages, (magic, codec), step in logs:
        log += sent(messages, magic, codec, first, step)
        first += len(messages) * step
    theirs, their_next = read(Fetcher.PartitionRecords, log, since, portion)
    ours, our_next = read(PartitionRecords, log, since, portion)
    assert ours == [
        Record(PARTITION.topic, PARTITION.partition, one.offset, one.key, one.value)
        for one in theirs
    ]
    assert our_next == their_next


def test_offsets_are_those_the_broker_gave() -> None:
    log = moved(sent([(0, b"k", b"v", [])] * 200), 2**40, epoch=7)
    ours, after = read(PartitionRecords, log, 2**40 + 3, 1000)
    assert [one.offset for one in ours] == list(range(2**40 + 3, 2**40 + 200))
    assert after == (2**40 + 200, 7)


def signed(batch: bytearray) -> bytes:
    """The batch with the checksum of what is in it."""
    start = DefaultRecordBatch.ATTRIBUTES_OFFSET
    struct.pack_into(">I", batch, DefaultRecordBatch.CRC_OFFSET, crc32c(bytes(batch[start:])))
    return bytes(batch)


def test_marks_of_transactions_are_no_records() -> None:
    mark = bytearray(sent([(0, b"\0\0\0\1", b"\0\0\0\0\0\0", [])], codec=NONE))
    mark[DefaultRecordBatch.ATTRIBUTES_OFFSET + 1] |= DefaultRecordBatch.CONTROL_MASK
    log = signed(mark) + moved(sent([(0, b"k", b"v", [])]), 1)
    ours, after = read(PartitionRecords, log, 0, 10)
    assert ours == [record(1, b"k", b"v")]
    assert after == (2, 0)


def test_a_damaged_byte_is_found_wherever_it_is() -> None:
    batch = sent([(0, b"key", b"value", [("h", b"v")])] * 2, codec=NONE)
    for place in range(DefaultRecordBatch.CRC_OFFSET, len(batch)):
        damaged = batch[:place] + bytes([batch[place] ^ 1]) + batch[place + 1 :]
        with pytest.raises(CorruptRecordError, match="checksum"):
            read(PartitionRecords, damaged, 0, 10)


@pytest.mark.parametrize(
    ("place", "byte"),
    [(0, 0x02), (0, 0x1E), (0, 0x22), (0, 0x7E), (4, 0x20), (4, 0x7E), (8, 0x0E), (8, 0x7E)],
)
def test_lengths_that_cannot_be_are_refused(place: int, byte: int) -> None:
    batch = bytearray(sent([(0, b"key", b"value", [])] * 2, codec=NONE))
    batch[DefaultRecordBatch.HEADER_STRUCT.size + place] = byte
    with pytest.raises(CorruptRecordError, match="told from one another"):
        read(PartitionRecords, signed(batch), 0, 10)
