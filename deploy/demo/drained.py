"""Knows when everything that was sent has been worked through."""

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import TopicPartition

from crm_shared.kafka import topic
from crm_shared.settings import KafkaSettings


def lag(settings: KafkaSettings, group: str, topic_name: str) -> int:
    """Records of a topic that a group has not committed yet."""
    name = topic(settings, topic_name)
    brokers = settings.bootstrap.split(",")
    reader = KafkaConsumer(bootstrap_servers=brokers)
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        partitions = [
            TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()
        ]
        ends = reader.end_offsets(partitions)
        committed = admin.list_group_offsets(topic(settings, group))
        return sum(
            end - (committed[partition].offset if partition in committed else 0)
            for partition, end in ends.items()
        )
    finally:
        admin.close()
        reader.close()
