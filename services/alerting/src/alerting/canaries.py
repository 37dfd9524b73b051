"""Canaries: small records that a member sends to the partitions it owns, and among the reminders.

One that was worked on proves the whole way from the broker to the commit in PostgreSQL, also in a
night in which nobody books. It is no event: no rule judges it and nothing counts it. One that the
intake of the OCRM took in proves the way there of all reminders that were stored some seconds
before it; nobody is told of it.
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError
from kafka.producer.future import FutureRecordMetadata

from alerting.ownership import Partition
from crm_shared import clock, kafka, logging
from crm_shared.events.canaries import CanarySent

_log = logging.get(__name__)


class Canaries:
    """Sends one to each partition that is ours, every so many `seconds`; 0: never."""

    def __init__(
        self,
        seconds: float,
        owned: Callable[[], Collection[Partition]],
        now: clock.Clock,
    ) -> None:
        self.on = seconds > 0
        self._now = now
        self._seconds = seconds
        self._owned = owned
        self._due_at = 0.0
        #: Topics that take none from us, for instance as we may not write there.
        self.refused: set[str] = set()

    def due(self) -> bool:
        """Whether it is time, and any partition is ours."""
        return self.on and time.monotonic() >= self._due_at and bool(self._owned())

    def send(self, producer: KafkaProducer, ack_seconds: float, also: Iterable[str] = ()) -> None:
        """Send them, and to every partition of the topics `also`; `KafkaError` where a partition
        takes none for now, or one of `also` is not there, once all others have theirs.

        A topic that refuses them for good is named once and tried again the next time.
        """
        self._due_at = time.monotonic() + self._seconds
        event = CanarySent(event_id=uuid4(), occurred_at=self._now(), producer="alerting")
        sent = _begin(producer, event, self._owned())
        failures: list[tuple[str, Exception]] = []
        for topic in also:
            try:
                numbers = producer.partitions_for(topic)
            except KafkaError as error:
                failures.append((topic, error))
            else:
                sent += _begin(producer, event, [(topic, number) for number in numbers])
        # Not `flush`, which also waits for whatever else the producer holds.
        kafka.wait([future for _, future in sent], ack_seconds)
        for topic, future in sent:
            if future.succeeded():
                self.refused.discard(topic)
            else:
                failures.append((topic, future.exception or KafkaTimeoutError(topic)))
        self._tell(failures)

    def _tell(self, failures: Iterable[tuple[str, Exception]]) -> None:
        for_now = None
        for topic, error in failures:
            if isinstance(error, KafkaError) and error.retriable:
                for_now = error
            elif topic not in self.refused:
                self.refused.add(topic)
                _log.warning("canaries_refused", topic=topic, error=str(error).strip()[:300])
        if for_now:
            raise for_now


def _begin(
    producer: KafkaProducer, event: CanarySent, partitions: Iterable[Partition]
) -> list[tuple[str, FutureRecordMetadata]]:
    """Send one to each of the partitions, without waiting."""
    sent = []
    for topic, number in partitions:
        # A producer that has not heard of a new partition yet refuses it: the next time, then.
        with suppress(ValueError):
            future = producer.send(topic, event.to_bytes(), event.key, partition=number)
            sent.append((topic, future))
    return sent
