"""Claimed messages to the topic, marked as sent once it has acknowledged them.

A partition without a leader, or a message that is refused, holds up its own customers only: they
are left out of what is claimed for a while, and everybody else's messages go on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import psycopg
from kafka import KafkaProducer

from alerting import outbox
from alerting.outbox import Message
from crm_shared import kafka

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of one claim: messages that were claimed, acknowledged, and not acknowledged."""

    claimed: int = 0
    acknowledged: int = 0
    failed: int = 0


class Delivery:
    """To `topic`; waits `ack_seconds` for a claim, then leaves out whoever has an unacknowledged
    message, and whoever's messages go where none was acknowledged.

    They are tried again after `pause_seconds`, the shorter at first, doubled up to the longer.
    """

    def __init__(
        self,
        topic: str,
        ack_seconds: float,
        pause_seconds: tuple[float, float] = (2.0, 60.0),
    ) -> None:
        self.ack_seconds = ack_seconds
        self._topic = topic
        self._shortest, self._longest = pause_seconds
        self._pause = self._shortest
        self._left_out: set[int] = set()
        self._silent: set[int] = set()
        self._again_at = 0.0

    def leave_nobody_out(self) -> None:
        """Try them all again, in their order."""
        self._left_out.clear()
        self._silent.clear()

    def send_some(
        self, connection: psycopg.Connection, producing: Callable[[], KafkaProducer]
    ) -> Delivered:
        """In a transaction of the caller's. Where any failed, the caller closes the producer, which
        would send them later, behind what another relay sent meanwhile."""
        if time.monotonic() >= self._again_at:
            self.leave_nobody_out()
        messages = outbox.claim(connection, AT_ONCE, self._left_out)
        if not messages:
            return Delivered()
        producer = producing()
        tried = self._without_silent(producer, messages)
        futures = [producer.send(self._topic, key=one.key, value=one.value) for one in tried]
        kafka.wait(futures, self.ack_seconds)
        acknowledged: list[Message] = []
        failed: dict[int, bytes] = {}
        for message, future in zip(tried, futures, strict=True):
            if message.customer_id in failed or not future.succeeded():
                failed[message.customer_id] = message.key
            else:
                acknowledged.append(message)
        if acknowledged:
            outbox.mark_sent(connection, [one.seq for one in acknowledged])
        if failed:
            self._leave_out(producer, failed, acknowledged)
        elif not self._left_out:
            self._pause = self._shortest
        return Delivered(len(messages), len(acknowledged), len(tried) - len(acknowledged))

    def _without_silent(
        self, producer: KafkaProducer, messages: Sequence[Message]
    ) -> Sequence[Message]:
        if not self._silent:
            return messages
        self._left_out |= {
            one.customer_id for one in messages if self._number(producer, one.key) in self._silent
        }
        return [one for one in messages if one.customer_id not in self._left_out]

    def _leave_out(
        self, producer: KafkaProducer, failed: dict[int, bytes], acknowledged: Sequence[Message]
    ) -> None:
        if not self._left_out:
            self._again_at = time.monotonic() + self._pause
            self._pause = min(self._pause * 2, self._longest)
        heard = {self._number(producer, one.key) for one in acknowledged}
        self._silent |= {self._number(producer, key) for key in failed.values()} - heard
        self._left_out |= failed.keys()

    def _number(self, producer: KafkaProducer, key: bytes) -> int:
        return kafka.partition_of_key(producer, self._topic, key)
