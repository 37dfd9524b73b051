"""The commands of the service itself: run, migrate, status."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import typer

from alerting import settings
from alerting.commands import AsJson, connected
from crm_shared import plain
from crm_shared.settings import KafkaSettings

app = typer.Typer()

_HEAD = (
    "partition", "lag", "behind", "events/s", "processed", "canary s", "watermark", "owner"
)  # fmt: skip


@app.command()
def run() -> None:
    """Consume events and raise reminders until SIGTERM; /livez, /readyz, /metrics meanwhile."""
    from alerting import main  # noqa: PLC0415  no other command needs a server
    from crm_shared import logging  # noqa: PLC0415

    logging.configure("alerting")
    main.run(settings.load(), KafkaSettings.load())


@app.command(name="migrate")
def migrate_schema() -> None:
    """Create the schema's tables, or bring them to the newest version; safe to repeat."""
    from alerting import migrate  # noqa: PLC0415

    print(f"The schema alerting is at revision {migrate.upgrade(settings.load().url)}.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Lag, watermark and throughput of each partition, backlog and dead letters."""
    from alerting import status as standing  # noqa: PLC0415  it needs the broker's client

    known = settings.load()
    with connected(known) as connection:
        found = standing.read(connection, KafkaSettings.load())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    rows = [
        (
            f"{one['topic']}/{one['partition']}", one["lag_records"],
            _duration(one["behind_seconds"]), one["events_per_second"], one["processed"],
            one["canary_seconds"],
            one["watermark"] and plain.instant(datetime.fromisoformat(one["watermark"])),
            one["owner"] or "nobody yet",
        )
        for one in found["partitions"]
    ]  # fmt: skip
    for line in plain.aligned(_HEAD, rows):
        print(line)
    print(_counts(found))
    for storm in found["storms"]:
        print(storm)
    for sentence in standing.held(found["partitions"]):
        print(sentence)
    said_of_all = [standing.resting(found["partitions"])]
    if known.canary_seconds:
        said_of_all += standing.silence(found["partitions"]), standing.old(found["partitions"])
    for sentence in filter(None, said_of_all):
        print(sentence)


def _counts(found: Mapping[str, Any]) -> str:
    words = dict.fromkeys(found["estimated"], "about ") | dict.fromkeys(
        found["at_least"], "at least "
    )
    said = {
        name: f"{words.get(name, '')}{value:,}"
        for name, value in found.items()
        if isinstance(value, int)
    }
    waits = found["outbox_oldest_seconds"]
    oldest = "" if waits is None else f" (the oldest for {_duration(waits)})"
    return (
        f"Events processed: {said['processed']}; reminders kept: {said['reminders_kept']}; "
        f"messages not yet sent: {said['outbox_backlog']}{oldest}; "
        f"dead letters: {said['dead_letters']}; "
        f"transfers kept for windows: {said['transfers_kept']}."
    )


def _duration(seconds: float | None) -> str:
    """In the largest unit of which there are two: 95 s, 12 min, 40 h, 144 d."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
