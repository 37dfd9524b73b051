"""The Kafka edge: the fast checksum, the loop, rewinding, topics, brokers that do not answer."""

import time
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import crc32c
import pytest
from kafka import ConsumerRebalanceListener
from kafka.errors import KafkaTimeoutError
from kafka.record import util
from kafka.structs import TopicPartition

from crm_shared import kafka
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics
from crm_shared.testing.network import TcpProxy, free_port
from crm_shared.testing.processes import RunningCommand
from tests.faults.broker import broker


@pytest.fixture
def settings(kafka_bootstrap: str, kafka_prefix: str) -> KafkaSettings:
    return KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix, partitions=2)


def test_the_checksum_in_c_is_the_one_in_use() -> None:
    assert util._crc32c is crc32c.crc32c
    assert util.calc_crc32c.__defaults__ == (crc32c.crc32c,)


def test_the_checksum_in_c_is_many_times_faster_than_in_python() -> None:
    data = memoryview(bytes(200_000))
    assert util.crc32c_py(data) == util.calc_crc32c(data) != zlib.crc32(data)
    assert _seconds(util.calc_crc32c, data) * 10 < _seconds(util.crc32c_py, data)


def _seconds(checksum: object, data: memoryview) -> float:
    assert callable(checksum)
    started = time.perf_counter()
    checksum(data)
    return time.perf_counter() - started


@pytest.mark.kafka
def test_a_batch_that_fails_comes_again_and_nothing_is_skipped(settings: KafkaSettings) -> None:
    sent = [str(number).encode() for number in range(100)]
    topics.publish(settings, "loop", [(value, value) for value in sent])
    client = kafka.consumer(settings, "loop", session_timeout_ms=2_000, max_poll_records=30)
    client.subscribe([kafka.topic(settings, "loop")])
    durable: list[bytes] = []
    pending: Sequence[Record] = ()
    failures = iter([False, True, True, False, True])

    def handle(records: Sequence[Record]) -> None:
        nonlocal pending
        pending = records
        if next(failures, False):
            raise RuntimeError("a fault of the handler")
        durable.extend(record.value or b"" for record in records)

    while len(durable) < 100:
        try:
            kafka.consume(client, handle, lambda: len(durable) >= 100)
        except RuntimeError:
            kafka.rewind(client, pending)
    committed = {
        partition: client.committed(TopicPartition(kafka.topic(settings, "loop"), partition))
        for partition in range(2)
    }
    client.close()
    assert sorted(durable) == sorted(sent)
    assert sum(offset or 0 for offset in committed.values()) == 100


@pytest.mark.kafka
def test_a_second_member_of_the_group_goes_on_where_the_first_stopped(
    settings: KafkaSettings,
) -> None:
    topics.publish(settings, "members", [(b"k", b"first")])
    assert _consume_one(settings) == b"first"
    topics.publish(settings, "members", [(b"k", b"second")])
    assert _consume_one(settings) == b"second"


def _consume_one(settings: KafkaSettings) -> bytes | None:
    client = kafka.consumer(settings, "members", session_timeout_ms=2_000)
    client.subscribe([kafka.topic(settings, "members")])
    seen: list[Record] = []
    kafka.consume(client, seen.extend, lambda: bool(seen))
    client.close()
    return seen[0].value


class _Assigned(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    def __init__(self) -> None:
        self.partitions: list[set[int]] = []

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Nothing is kept of it."""

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self.partitions.append({one.partition for one in assigned})


@pytest.mark.kafka
def test_a_member_joins_once_and_gets_its_partitions_then(settings: KafkaSettings) -> None:
    kafka.ensure_topics(settings, ["joined"])
    client = kafka.consumer(settings, "joined", session_timeout_ms=2_000)
    listener = _Assigned()
    client.subscribe([kafka.topic(settings, "joined")], listener=listener)
    turns = iter(range(40))
    kafka.consume(client, lambda _: None, lambda: bool(listener.partitions) or next(turns) > 30)
    client.close()
    assert listener.partitions == [{0, 1}]


@pytest.mark.kafka
def test_topics_are_created_once_and_kept(settings: KafkaSettings) -> None:
    kafka.ensure_topics(settings, ["kept"])
    topics.publish(settings, "kept", [(b"k", b"v")])
    kafka.ensure_topics(settings, ["kept", "new"])
    assert [record.value for record in topics.read_all(settings, "kept")] == [b"v"]
    assert topics.read_all(settings, "new") == []


@pytest.mark.kafka
def test_records_of_one_key_keep_their_order_and_partition(settings: KafkaSettings) -> None:
    topics.publish(settings, "order", [(b"7", str(number).encode()) for number in range(50)])
    records = topics.read_all(settings, "order")
    assert len({record.partition for record in records}) == 1
    assert [record.value for record in records] == [str(number).encode() for number in range(50)]


def test_the_offset_to_commit_is_one_past_the_last_of_each_partition() -> None:
    records = [Record("t", 0, 5, None, b""), Record("t", 1, 9, None, b""),
               Record("t", 0, 6, None, b"")]  # fmt: skip
    offsets = kafka.next_offsets(records)
    assert {partition.partition: offset.offset for partition, offset in offsets.items()} == {
        0: 7,
        1: 10,
    }


#: In a process of its own, which must have given back every socket and thread by the end.
_CONNECT = """
import gc, socket, threading, warnings
from crm_shared import kafka
from crm_shared.errors import ServerUnavailableError
from crm_shared.settings import KafkaSettings
kafka.CONNECT_TIMEOUT_SECONDS = 1.0
gc.disable()
try:
    kafka.{edge}
except ServerUnavailableError as error:
    print(error)
warnings.simplefilter("always", ResourceWarning)
gc.collect()
open_sockets = [one for one in gc.get_objects() if isinstance(one, socket.socket)]
print(f"left behind: {{threading.active_count() - 1}} threads, {{len(open_sockets)}} sockets")
"""
_EDGES = ["producer(KafkaSettings())", "ensure_topics(KafkaSettings(), ['any'])",
          "consumer(KafkaSettings(), 'any')"]  # fmt: skip


def _sentence(edge: str, port: int, folder: Path) -> str:
    program = RunningCommand(
        ["python", "-c", _CONNECT.format(edge=edge)],
        {"CRM_KAFKA_BOOTSTRAP": f"127.0.0.1:{port}"},
        folder / "connect.log",
    )
    assert program.start().wait(45) == 0
    said = program.text()
    assert "left behind: 0 threads, 0 sockets" in said
    assert "ResourceWarning" not in said
    assert "leaked" not in said
    return said


@pytest.mark.slow
@pytest.mark.parametrize("edge", _EDGES)
def test_a_broker_that_is_not_there_is_named(edge: str, tmp_path: Path) -> None:
    port = free_port()
    sentence = f"No Kafka broker answers at 127.0.0.1:{port}"
    assert sentence in _sentence(edge, port, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("edge", _EDGES)
def test_a_broker_that_accepts_and_never_answers_is_named(
    edge: str, kafka_bootstrap: str, tmp_path: Path
) -> None:
    host, _, port = kafka_bootstrap.rpartition(":")
    with TcpProxy(host, int(port)) as proxy:
        proxy.black_hole()
        sentence = f"No Kafka broker answers at 127.0.0.1:{proxy.port}"
        assert sentence in _sentence(edge, proxy.port, tmp_path)


@pytest.mark.kafka
def test_a_partition_of_which_the_broker_says_nothing_is_named(settings: KafkaSettings) -> None:
    topics.publish(settings, "known", [(None, b"one")])
    client = kafka.consumer(settings, "asking", group_id=None)
    name = kafka.topic(settings, "known")
    wanted = [TopicPartition(name, 0), TopicPartition(name, 7)]
    for asked in (client.beginning_offsets, client.end_offsets):
        with pytest.raises(KafkaTimeoutError, match=f"says nothing of .*{name}.*7"):
            asked(wanted, timeout_ms=5_000)
    client.close()


@pytest.mark.kafka
def test_a_member_may_subscribe_while_its_broker_is_away(tmp_path: Path) -> None:
    with broker(tmp_path / "broker") as own:
        settings = KafkaSettings(bootstrap=f"127.0.0.1:{own.network.port}", partitions=1)
        client = kafka.consumer(settings, "away", session_timeout_ms=2_000)
        topics.publish(settings, "away", [(None, b"read")])
        own.network.cut()
        client.subscribe([kafka.topic(settings, "away")])
        own.network.cut(False)
        seen: list[Record] = []
        kafka.consume(client, seen.extend, lambda: bool(seen))
        client.close()
        assert [one.value for one in seen] == [b"read"]


@pytest.mark.kafka
def test_a_producer_closes_while_its_broker_is_away_and_sends_nothing_afterwards(
    tmp_path: Path,
) -> None:
    with broker(tmp_path / "broker") as own:
        settings = KafkaSettings(bootstrap=f"127.0.0.1:{own.network.port}", partitions=1)
        topics.publish(settings, "away", [(None, b"before")])
        client = kafka.producer(settings)
        client.partitions_for("away")
        own.network.cut()
        future = client.send("away", b"unsent")
        client.close(timeout=1)
        assert future.failed()
        assert not client._sender.is_alive()
        own.network.cut(False)
        assert [one.value for one in topics.read_all(settings, "away")] == [b"before"]
