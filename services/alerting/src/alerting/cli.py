"""The command `alerting`."""

import json
import sys
from collections.abc import Collection, Sequence
from typing import Annotated, Any, get_args

import psycopg
import typer

from alerting import (
    audit,
    cli_days,
    cli_history,
    cli_rules,
    cli_storms,
    dead_letters,
    main,
    migrate,
    settings,
)
from alerting import requeue as requeuing
from alerting import status as standing
from alerting.commands import AsJson, MaybeBy, MaybePurpose, connected
from alerting.consumer import bounds_of
from alerting.decoding import Reason
from crm_shared import clock, logging
from crm_shared.errors import CrmError, UsageError
from crm_shared.settings import KafkaSettings


class _Application(typer.Typer):
    """Says a known failure in one sentence, without a stack trace, with its exit code."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().__call__(*args, **kwargs)
        except CrmError as error:
            print(error.sentence, file=sys.stderr)
            sys.exit(error.exit_code)
        except psycopg.OperationalError as error:
            print(
                f"PostgreSQL stopped answering ({str(error).strip()}); try again.", file=sys.stderr
            )
            sys.exit(75)


app = _Application(help="Reminders from events, as they happen.", no_args_is_help=True)
letters = typer.Typer(help="Records that could not be worked on.", no_args_is_help=True)
app.add_typer(letters, name="dead-letters")
app.add_typer(cli_rules.app, name="rules")
app.add_typer(cli_storms.app, name="storms")
app.command()(cli_history.backtest)
app.command()(cli_history.why)
app.command()(cli_days.completeness)
app.command()(cli_days.replay)


@app.command()
def run() -> None:
    """Consume events and raise reminders until SIGTERM; /livez, /readyz, /metrics meanwhile."""
    logging.configure("alerting")
    main.run(settings.load(), KafkaSettings.load())


@app.command(name="migrate")
def migrate_schema() -> None:
    """Create the schema's tables, or bring them to the newest version; safe to repeat."""
    print(f"The schema alerting is at revision {migrate.upgrade(settings.load().url)}.")


@app.command()
def status(as_json: AsJson = False) -> None:
    """Lag, watermark and throughput of each partition, backlog and dead letters."""
    with connected(settings.load()) as connection:
        found = standing.read(connection, KafkaSettings.load())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    print(
        f"{'partition':<28}{'lag':>10}{'behind s':>10}{'events/s':>10}{'processed':>12}"
        f"{'canary s':>10}  {'watermark':<34}owner"
    )
    for one in found["partitions"]:
        print(
            f"{one['topic'] + '/' + str(one['partition']):<28}{one['lag_records']:>10}"
            f"{'-' if one['behind_seconds'] is None else one['behind_seconds']:>10}"
            f"{one['events_per_second']:>10}"
            f"{one['processed']:>12}"
            f"{'-' if one['canary_seconds'] is None else one['canary_seconds']:>10}"
            f"  {one['watermark'] or '-':<34}{one['owner'] or 'nobody yet'}"
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


@letters.command(name="list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only of this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those requeued.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    *,
    by: MaybeBy = None,
    purpose: MaybePurpose = None,
    as_json: AsJson = False,
) -> None:
    """Dead letters, the oldest first; with --json, --by and --purpose also what they say."""
    asker, state = audit.asker(by, purpose), None if everything else "dead"
    _require_reason(reason)
    if asker is not None and not as_json:
        raise UsageError("What dead letters say is told with --json alone: add it.")
    with connected(settings.load()) as connection:
        found = dead_letters.find(connection, state=state, reason=reason, limit=limit)
        number = dead_letters.count(connection, state=state, reason=reason)
        if asker is not None:
            numbers = [one.dead_letter_id for one in found]
            audit.record(
                connection, "dead_letters.read", ("dead_letters", f"{len(numbers)} of them"),
                by=asker.by, purpose=asker.purpose, details={"dead_letters": numbers},
            )  # fmt: skip
    if as_json:
        shown = [_as_json(one, payload=asker is not None) for one in found]
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return
    for one in found:
        print(
            f"{one.dead_letter_id:<8}{one.state:<10}{one.reason:<14}"
            f"{one.topic}/{one.partition}@{one.log_offset:<12}{one.rule_code:<28}{one.detail}"
        )
    more = f" of {number}, the oldest; --limit shows more" if number > len(found) else ""
    print(f"{len(found)} dead letters shown{more}.")


@letters.command()
def requeue(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers from the list.")] = None,
    reason: Annotated[str | None, typer.Option(help="All of this reason.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All.")] = False,
) -> None:
    """Work on dead letters once more, here and now; the reminders get the same ids."""
    if not ids and not reason and not everything:
        raise UsageError("Say which: numbers from `alerting dead-letters list`, --reason or --all.")
    _require_reason(reason)
    ours = settings.load()
    with connected(ours) as connection:
        found = dead_letters.find(connection, state="dead", reason=reason, ids=ids, limit=100_000)
        _require_all(ids or [], {one.dead_letter_id for one in found})
        connection.commit()
        result = requeuing.requeue(connection, found, clock.now(), bounds_of(ours))
    print(
        f"{result.worked} worked on, {result.raised} reminders raised, "
        f"{result.withdrawn} withdrawn, {result.still_dead} still dead."
    )
    for code in result.storms:
        print(f"A storm of {code} has begun: its messages are held; look at `alerting storms`.")


def _require_reason(reason: str | None) -> None:
    if reason is not None and reason not in get_args(Reason):
        raise UsageError(f"{reason} is no reason of dead letters: {', '.join(get_args(Reason))}.")


def _require_all(asked: Sequence[int], found: Collection[int]) -> None:
    """`UsageError` where a number is not that of an open dead letter, before anything is done."""
    unknown = [str(number) for number in asked if number not in found]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: no open dead letter has this number (of that reason), so "
            "nothing was requeued. `alerting dead-letters list` shows the open ones, with --all "
            "also those that were requeued before."
        )


def _as_json(one: dead_letters.StoredDeadLetter, *, payload: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "dead_letter_id": one.dead_letter_id,
        "topic": one.topic,
        "partition": one.partition,
        "offset": one.log_offset,
        "rule_code": one.rule_code or None,
        "reason": one.reason,
        "detail": one.detail,
        "state": one.state,
        "attempts": one.attempts,
        "first_seen_at": one.first_seen_at.isoformat(),
    }
    if payload:
        said = None if one.payload is None else one.payload.decode(errors="replace")
        shown["payload"] = said
    return shown
