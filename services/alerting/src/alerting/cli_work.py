"""The commands of the service itself: run, migrate, status."""

import json

import typer

from alerting import settings
from alerting.commands import AsJson, connected
from crm_shared.settings import KafkaSettings

app = typer.Typer()


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
    print(
        f"{'partition':<28} {'lag':>9} {'behind':>9} {'events/s':>9} {'processed':>11}"
        f" {'canary s':>9}  {'watermark':<33} owner"
    )
    for one in found["partitions"]:
        print(
            f"{one['topic'] + '/' + str(one['partition']):<28} {one['lag_records']:>9}"
            f" {_duration(one['behind_seconds']):>9} {one['events_per_second']:>9}"
            f" {one['processed']:>11}"
            f" {'-' if one['canary_seconds'] is None else one['canary_seconds']:>9}"
            f"  {one['watermark'] or '-':<33} {one['owner'] or 'nobody yet'}"
        )
    words = dict.fromkeys(found["estimated"], "about ") | dict.fromkeys(
        found["at_least"], "at least "
    )
    said = {name: f"{words.get(name, '')}{value}" for name, value in found.items()}
    print(
        f"{said['processed']} events processed; {said['reminders_kept']} reminders kept, "
        f"{said['outbox_backlog']} messages not yet sent; {said['dead_letters']} dead letters; "
        f"{said['transfers_kept']} transfers kept for windows."
    )
    for storm in found["storms"]:
        print(storm)
    for sentence in standing.held(found["partitions"]):
        print(sentence)
    silence = standing.silence(found["partitions"]) if known.canary_seconds else None
    if silence:
        print(silence)


def _duration(seconds: float | None) -> str:
    """In the largest unit of which there are two: 95 s, 12 min, 40 h, 144 d."""
    if seconds is None:
        return "-"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
