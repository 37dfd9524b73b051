"""How long it takes from an event to its reminder in the topic, everything on the same machine.

`python -m deploy.bench.latency RATE SECONDS` sends events that happen as they are sent.
"""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime

from kafka import KafkaConsumer

from crm_shared import kafka
from crm_shared.clock import bank_date
from crm_shared.errors import CrmError
from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings
from deploy.bench import stream
from deploy.bench.figures import Figures
from deploy.bench.members import Bench

#: What happens so soon after the first reminder is not counted: connections are made, plans.
_BEFORE_SECONDS = 10

#: How long the last reminders may take.
_AFTER_SECONDS = 10

#: Stands in the events until they are sent.
_PLACE = datetime(2000, 1, 1, microsecond=123_456, tzinfo=UTC)
_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


def add(bench: Bench, figures: Figures, rate: int, seconds: int) -> None:
    """Send events at a rate a second for so many seconds, and add the quantiles."""
    bench.say(f"{rate:,} events a second for {seconds} s")
    kafka.ensure_topics(bench.kafka, [*TOPICS, reminders.TOPIC])
    client = kafka.consumer(bench.kafka, f"latency-{rate}")
    client.subscribe([kafka.topic(bench.kafka, reminders.TOPIC)])
    with bench.running(1):
        command = [sys.executable, "-m", "deploy.bench.latency", str(rate), str(seconds)]
        with subprocess.Popen(
            command, env=os.environ | bench.environment, stdin=subprocess.DEVNULL
        ) as sender:
            took = _reminders(client, sender)
    client.close()
    if len(took) < 100:
        raise CrmError(f"Only {len(took)} reminders came; take more events.")
    took.sort()
    figures.add(f"latency_{rate}_reminders", len(took), "reminders")
    for name, share, most in (("p50", 0.5, None), ("p99", 0.99, 500), ("p999", 0.999, None)):
        value = took[min(len(took) - 1, int(share * len(took)))]
        figures.add(f"latency_{rate}_{name}", 1000 * value, "ms", at_most=most)


def _reminders(client: KafkaConsumer, sender: subprocess.Popen[bytes]) -> list[float]:
    """Seconds from event to reminder of what is raised until the sender has ended."""
    counted_from = 0.0
    took: list[float] = []
    ended = 0.0
    while not ended or time.monotonic() < ended + _AFTER_SECONDS:
        polled = client.poll(timeout_ms=20)
        now = datetime.now(UTC).timestamp()
        for record in (record for part in polled.values() for record in part):
            told = reminders.ADAPTER.validate_json(record.value)
            happened = told.occurred_at.timestamp()
            counted_from = counted_from or happened + _BEFORE_SECONDS
            if told.type == "reminder.raised" and happened > counted_from:
                took.append(now - happened)
        if not ended and sender.poll() is not None:
            if sender.returncode:
                raise CrmError("The sender of events ended early; it said why above.")
            ended = time.monotonic()
    return took


def send(settings: KafkaSettings, rate: int, seconds: int) -> None:
    """Send so many events a second, each as it happens: all is written before but the time."""
    written = [
        (kafka.topic(settings, topic), event.key, event.to_bytes())
        for topic, event in stream.events(rate * seconds, at=lambda: _PLACE)
    ]
    place, day = f"{_PLACE:{_FORMAT}}".encode(), bank_date(_PLACE).isoformat().encode()
    today = bank_date(datetime.now(UTC)).isoformat().encode()
    producer = kafka.producer(settings)
    began = time.monotonic()
    for number, (topic, key, body) in enumerate(written):
        if (wait := began + number / rate - time.monotonic()) > 0:
            time.sleep(wait)
        now = f"{datetime.now(UTC):{_FORMAT}}".encode()
        producer.send(topic, key=key, value=body.replace(place, now).replace(day, today))
    producer.flush(timeout=60)
    producer.close()
    late = time.monotonic() - began - seconds
    if late > 0.02 * seconds:
        raise CrmError(f"Sending took {late:.1f} s longer than it should: the rate was not kept.")


if __name__ == "__main__":
    send(KafkaSettings.load(), int(sys.argv[1]), int(sys.argv[2]))
