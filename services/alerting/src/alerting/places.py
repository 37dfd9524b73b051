"""Where the events of a business date lie in the topics: worked on, still waiting, or not there.

The topic is read again from the beginning of the day, without joining the group. What lies before
the offset that the service has made durable was worked on, or is a dead letter.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from uuid import UUID

import msgspec
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from alerting.ownership import Partition
from crm_shared import kafka
from crm_shared.clock import BANK_ZONE
from crm_shared.errors import ServerUnavailableError
from crm_shared.kafka_records import Record
from crm_shared.settings import KafkaSettings

#: Where a record lies: topic, partition, offset.
Place = tuple[str, int, int]

#: A producer's clock may be slow by so much.
_SLOW_CLOCK = timedelta(hours=1)

_PATIENCE_SECONDS = 30.0


class _Said(msgspec.Struct):
    """What a record says of itself; the rest of it is not looked at."""

    event_id: UUID
    type: str
    business_date: date


_said = msgspec.json.Decoder(_Said).decode


@dataclass
class Places:
    """What the topic holds of a day and kind: ids worked on, the place of those that wait, and the
    number of the dead letter of those that are one.

    `whole` is False where the topic may have deleted records of the day: an id that is not here
    may then have been worked on all the same.
    """

    worked: set[UUID] = field(default_factory=set)
    waiting: dict[UUID, Place] = field(default_factory=dict)
    dead: dict[UUID, int] = field(default_factory=dict)
    whole: bool = True


def look(
    settings: KafkaSettings,
    name: str,
    day: date,
    kinds: Collection[str],
    *,
    done: Mapping[Partition, int],
    dead: Mapping[Place, int],
) -> dict[str, Places]:
    """By kind, where the events of the day are in the topic of that name.

    `done` is the next offset of each partition; `dead` the number of the open dead letter at a
    place.
    """
    found = {kind: Places() for kind in kinds}
    client = kafka.consumer(settings, "alerting-completeness", group_id=None)
    try:
        first, ends, whole = _stretch(client, kafka.topic(settings, name), day)
        for places in found.values():
            places.whole = whole
        for record in _records(client, first, ends):
            _place(record, day, found, done, dead)
    finally:
        client.close()
    return found


def _place(
    record: Record,
    day: date,
    found: Mapping[str, Places],
    done: Mapping[Partition, int],
    dead: Mapping[Place, int],
) -> None:
    try:
        said = _said(record.value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if said.business_date != day or said.type not in found:
        return
    places, place = found[said.type], (record.topic, record.partition, record.offset)
    if place in dead:
        places.dead[said.event_id] = dead[place]
    elif record.offset < done.get((record.topic, record.partition), 0):
        places.worked.add(said.event_id)
    else:
        places.waiting.setdefault(said.event_id, place)


def _stretch(
    client: KafkaConsumer, topic: str, day: date
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int], bool]:
    """From where to where the records lie that were written since the day began, and whether the
    topic still holds the first of them."""
    partitions = [
        TopicPartition(topic, number) for number in sorted(client.partitions_for_topic(topic) or ())
    ]
    if not partitions:
        return {}, {}, True
    since = datetime.combine(day, time(), BANK_ZONE).astimezone(UTC) - _SLOW_CLOCK
    begins, ends = client.beginning_offsets(partitions), client.end_offsets(partitions)
    at = client.offsets_for_times(dict.fromkeys(partitions, int(since.timestamp() * 1000)))
    first = {
        one: at[one].offset if at.get(one) and at[one].timestamp >= 0 else ends[one]
        for one in partitions
    }
    whole = all(begins[one] == 0 or first[one] > begins[one] for one in partitions)
    return first, ends, whole


def _records(
    client: KafkaConsumer, first: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
) -> Iterator[Record]:
    client.assign(list(first))
    for partition, offset in first.items():
        client.seek(partition, offset)
    patient_until = monotonic() + _PATIENCE_SECONDS
    while any(client.position(one) < end for one, end in ends.items()):
        if records := kafka.records_of(client.poll(timeout_ms=200)):
            patient_until = monotonic() + _PATIENCE_SECONDS
            yield from records
        elif monotonic() > patient_until:
            raise ServerUnavailableError(
                f"Kafka sends nothing more of the records it says it has (for "
                f"{_PATIENCE_SECONDS:.0f} s); start it again (`make up`) and repeat the command."
            )
