"""Two of the rules by quixstreams: large movements, and transfers to other banks counted per
customer over a sliding day; nothing is kept in a database and nothing is sent on.

`PYTHONPATH=.local/bench/packages python -m deploy.bench.quix GROUP RECORDS` reads the topic of
transactions to its end and prints the seconds from the first record to the last. Lighter topics are
left out, so it has less to read than who it is compared with; both are told per record.
"""

import json
import sys
import time
from tempfile import TemporaryDirectory
from typing import Any

from quixstreams import Application

from crm_shared import kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from deploy.bench.two_rules import LARGE, MANY, OF_A_THOUSAND

_DAY_MS = 24 * 3600 * 1000


def main(group: str, records: int) -> None:
    """Count what the two rules say of that many events."""
    settings = KafkaSettings.load()
    wanted = records * OF_A_THOUSAND // 1000
    seen = fired = 0
    began = last = 0.0

    def count(_: Any) -> None:
        nonlocal seen, began, last
        last = time.monotonic()
        seen += 1
        if seen == 1:
            began = last

    def fire(_: Any) -> None:
        nonlocal fired
        fired += 1

    with TemporaryDirectory() as folder:
        application = Application(
            broker_address=settings.bootstrap, consumer_group=group, state_dir=folder,
            auto_offset_reset="earliest", use_changelog_topics=False, loglevel="WARNING",
        )  # fmt: skip
        topic = application.topic(
            kafka.topic(settings, transactions.TOPIC), value_deserializer="json"
        )
        # It wants to know how long records are kept, which not every broker says.
        topic.broker_config.extra_config.setdefault("retention.ms", "-1")
        frame = application.dataframe(topic)
        frame.update(count)
        large = frame.filter(lambda event: float(event.get("amount") or 0) >= LARGE)
        large.update(fire)
        transfers = frame.filter(
            lambda event: (
                event.get("txn_type") == "transfer_out"
                and event.get("counterparty_bank") is not None
            )
        )
        counted = transfers.sliding_window(duration_ms=_DAY_MS, grace_ms=_DAY_MS).count()
        counted.current().filter(lambda window: window["value"] >= MANY).update(fire)
        application.run(count=wanted, timeout=60)
    if seen < wanted:
        sys.exit(f"only {seen} of {wanted} records came")
    print(json.dumps({"records": seen - 1, "seconds": last - began, "fired": fired}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
