"""Two of the rules by faust-streaming: large movements, and transfers to other banks counted per
customer over a sliding day in plain memory; nothing is kept in a database and nothing is sent on.

`PYTHONPATH=.local/bench/packages python -m deploy.bench.faust_streaming GROUP RECORDS` reads the
topic of transactions to its end and prints the seconds from the first record to the last.
"""

import json
import os
import sys
import time
from collections import defaultdict, deque
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import faust

from crm_shared import kafka
from crm_shared.events import transactions
from crm_shared.settings import KafkaSettings
from deploy.bench.two_rules import LARGE, MANY, OF_A_THOUSAND

_DAY = timedelta(days=1)


def main(group: str, records: int) -> None:
    """Count what the two rules say of that many events; the process ends with the last."""
    settings = KafkaSettings.load()
    wanted = records * OF_A_THOUSAND // 1000
    application = faust.App(
        group,
        broker=[f"kafka://{one}" for one in settings.bootstrap.split(",")],
        datadir=str(Path(gettempdir()) / group),
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=settings.partitions,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=2_000,
        stream_buffer_maxsize=8_192,
    )
    topic = application.topic(
        kafka.topic(settings, transactions.TOPIC), key_serializer="raw", value_serializer="raw"
    )
    transfers: defaultdict[int, deque[datetime]] = defaultdict(deque)

    def fires(event: dict[str, Any]) -> int:
        fired = int(float(event.get("amount") or 0) >= LARGE)
        if event.get("txn_type") == "transfer_out" and event.get("counterparty_bank") is not None:
            recent = transfers[event["customer_id"]]
            at = datetime.fromisoformat(event["occurred_at"])
            recent.append(at)
            while recent[0] <= at - _DAY:
                recent.popleft()
            fired += len(recent) >= MANY
        return fired

    @application.agent(topic)  # type: ignore[untyped-decorator]
    async def judge(stream: Any) -> None:
        seen = fired = 0
        began = 0.0
        async for value in stream:
            if seen == 0:
                began = time.monotonic()
            seen += 1
            fired += fires(json.loads(value))
            if seen == wanted:
                seconds = time.monotonic() - began
                told = {"records": seen - 1, "seconds": seconds, "fired": fired}
                # Its worker takes what is printed for its log.
                print(json.dumps(told), file=sys.__stdout__, flush=True)
                os._exit(0)

    faust.Worker(application, loglevel="ERROR", stdout=sys.stderr).execute_from_commandline()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
