"""Records that the topic no longer has when their turn comes."""

from collections.abc import Collection

from kafka.errors import KafkaTimeoutError

from alerting import gaps
from alerting.ownership import Partition
from crm_shared import kafka_gaps
from crm_shared.kafka_gaps import Gap
from crm_shared.kafka_records import Record

FIRST: Partition = ("transactions", 0)
SECOND: Partition = ("transactions", 1)
RECORDS = [Record(*FIRST, 900, None, b""), Record(*FIRST, 901, None, b""),
           Record(*SECOND, 30, None, b"")]  # fmt: skip


def test_what_was_deleted_unread_is_counted_and_said() -> None:
    found = kafka_gaps.find(RECORDS, {FIRST: 500, SECOND: 30}, lambda _: {FIRST: 880})
    assert found == [Gap(*FIRST, first=500, last=879)]
    assert found[0].records == 380
    assert "before offset 500" in gaps.sentence(found[0])
    assert "begins at 880: 380 records were deleted unread" in gaps.sentence(found[0])
    assert "send that period again" in gaps.sentence(found[0])


def test_offsets_that_a_producer_left_out_are_no_loss() -> None:
    assert (
        kafka_gaps.find(RECORDS, {FIRST: 890, SECOND: 29}, lambda _: {FIRST: 0, SECOND: 29}) == []
    )


def test_a_group_that_had_not_begun_has_lost_nothing() -> None:
    assert kafka_gaps.find(RECORDS, {FIRST: 0}, lambda _: {FIRST: 880, SECOND: 30}) == []


def test_a_broker_that_does_not_say_where_the_topic_begins_is_not_believed() -> None:
    def silent(_: Collection[Partition]) -> dict[Partition, int]:
        raise KafkaTimeoutError

    assert kafka_gaps.find(RECORDS, {FIRST: 500, SECOND: 30}, silent) == [Gap(*FIRST, 500, 899)]
