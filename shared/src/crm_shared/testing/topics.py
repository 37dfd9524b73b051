"""Writing to and reading from real topics."""

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing

from kafka import KafkaAdminClient
from kafka.admin import NewTopic
from kafka.errors import TopicAlreadyExistsError
from kafka.structs import TopicPartition

from crm_shared import kafka
from crm_shared.events.envelope import Event
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings
from crm_shared.testing.waiting import wait_until

#: An event, or a raw (key, value) pair.
Message = Event | tuple[bytes | None, bytes]


def publish(settings: KafkaSettings, name: str, messages: Iterable[Message]) -> int:
    """Write messages, and wait for their acknowledgement; how many they were."""
    return publish_all(settings, [(name, message) for message in messages], [name])


def publish_all(
    settings: KafkaSettings,
    messages: Sequence[tuple[str, Message]],
    names: Collection[str],
    seconds: float = 60.0,
) -> int:
    """Write messages, each to its topic, of these `names`, and wait for their acknowledgement, at
    most so many `seconds`: `KafkaTimeoutError`, and nothing more is sent."""
    kafka.ensure_topics(settings, names)
    client = kafka.producer(settings)
    futures = []
    acknowledged = False
    try:
        for name, message in messages:
            key, value = (
                (message.key, message.to_bytes()) if isinstance(message, Event) else message
            )
            futures.append(client.send(kafka.topic(settings, name), key=key, value=value))
        client.flush(timeout=seconds)
        for future in futures:
            future.get(timeout=10)
        acknowledged = True
    finally:
        client.close(timeout=None if acknowledged else 1)
    return len(futures)


def recreate(settings: KafkaSettings, name: str) -> None:
    """Delete the topic and make it again; Apache Kafka takes a while to forget it."""
    full_name = kafka.topic(settings, name)
    with closing(KafkaAdminClient(bootstrap_servers=settings.bootstrap)) as admin:
        admin.delete_topics([full_name])

        def created() -> bool:
            try:
                admin.create_topics(
                    [NewTopic(full_name, settings.partitions, settings.replication)]
                )
            except TopicAlreadyExistsError:
                return False
            return True

        wait_until(created, "the topic to be made again")


def read_all(settings: KafkaSettings, name: str, *, canaries: bool = False) -> list[Record]:
    """Every record that the topic holds now, without joining any group; none where it is not.
    Canaries are passed over as others do, unless they are asked for."""
    full_name = kafka.topic(settings, name)
    client = kafka.consumer(settings, "reader", group_id=None)
    try:
        partitions = [
            TopicPartition(full_name, number)
            for number in sorted(client.partitions_for_topic(full_name) or ())
        ]
        if not partitions:
            return []
        client.assign(partitions)
        client.seek_to_beginning()
        ends = client.end_offsets(partitions)
        records: list[Record] = []
        while any(client.position(one) < ends[one] for one in partitions):
            records += kafka.records_of(client.poll(timeout_ms=200))
        return [one for one in records if canaries or one.key != b"canary"]
    finally:
        client.close()
