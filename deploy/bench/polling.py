"""Poll the topics of the bank to their ends with plain kafka-python, decoding nothing.

`python -m deploy.bench.polling GROUP RECORDS` prints the seconds from the first record to the last.
"""

import json
import sys
import time

from kafka import KafkaConsumer

from crm_shared import kafka
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings


def main(group: str, records: int) -> None:
    """Read that many records as a new group."""
    settings = KafkaSettings.load()
    client = KafkaConsumer(**kafka.configuration(settings, group))
    client.subscribe([kafka.topic(settings, name) for name in TOPICS])
    first = seen = _poll(client)
    began = time.monotonic()
    while seen < records:
        seen += _poll(client)
    seconds = time.monotonic() - began
    client.close()
    print(json.dumps({"records": seen - first, "seconds": seconds}))


def _poll(client: KafkaConsumer) -> int:
    """The number of records of a poll that brought some."""
    while not (polled := client.poll(timeout_ms=250)):
        continue
    return sum(len(part) for part in polled.values())


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
