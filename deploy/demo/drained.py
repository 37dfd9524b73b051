"""Knows when everything that was sent has been worked through."""

from kafka import KafkaAdminClient, KafkaConsumer
from kafka.structs import TopicPartition

from crm_shared.kafka import topic
from crm_shared.settings import KafkaSettings

#: A poll that brings nothing within this time has reached the end of the log.
_QUIET_MS = 400


def lag(settings: KafkaSettings, group: str, topic_name: str) -> int:
    """Records of a topic that a group has not committed yet.

    The end of the log is where reading ends: the local broker names the start of the last batch
    when it is asked for the end.
    """
    name = topic(settings, topic_name)
    member = topic(settings, group)
    brokers = settings.bootstrap.split(",")
    reader = KafkaConsumer(bootstrap_servers=brokers, enable_auto_commit=False)
    admin = KafkaAdminClient(bootstrap_servers=brokers)
    try:
        partitions = [
            TopicPartition(name, number) for number in reader.partitions_for_topic(name) or ()
        ]
        committed = {
            partition: one.offset
            for partition, one in admin.list_group_offsets(member)[member].items()
        }
        reader.assign(partitions)
        for partition in partitions:
            reader.seek(partition, max(0, committed.get(partition, 0)))
        waiting = 0
        while polled := reader.poll(timeout_ms=_QUIET_MS):
            waiting += sum(len(records) for records in polled.values())
        return waiting
    finally:
        admin.close()
        reader.close()
