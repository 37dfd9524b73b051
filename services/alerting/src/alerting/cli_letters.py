"""The commands about dead letters: list them, work on them once more, settle them for good."""

import json
from collections.abc import Collection, Sequence
from typing import Annotated, Any, get_args

import psycopg
import typer

from alerting import audit, database_clock, dead_letters, settings
from alerting import requeue as requeuing
from alerting.audit import Purpose
from alerting.batch import bounds_of
from alerting.cli_rules import By
from alerting.commands import AsJson, MaybeBy, MaybePurpose, connected
from alerting.decoding import Reason
from alerting.requeue import Requeued
from crm_shared import plain
from crm_shared.errors import ExitCode, UsageError

app = typer.Typer(help="Records that could not be worked on.", no_args_is_help=True)

_HEAD = ("number", "state", "reason", "first seen", "topic/partition@offset", "rule", "detail")

#: Letters that are requeued or settled in one transaction.
PAGE = 1_000

Numbers = Annotated[list[int] | None, typer.Argument(help="Numbers from the list.")]
Why = Annotated[str, typer.Option("--why", help="Why, without personal data; kept.")]
OfReason = Annotated[str | None, typer.Option("--reason", help="All of this reason.")]


@app.command(name="list")
def list_letters(
    reason: Annotated[str | None, typer.Option(help="Only of this reason.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those requeued and those settled.")
    ] = False,
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
    for line in plain.aligned(_HEAD, [_cells(one) for one in found]):
        print(line)
    more = f" of {number:,}, the oldest; --limit shows more" if number > len(found) else ""
    print(f"{plain.counted(len(found), 'dead letter')} shown{more}.")


@app.command()
def requeue(
    ids: Numbers = None,
    reason: OfReason = None,
    everything: Annotated[bool, typer.Option("--all", help="All.")] = False,
    *,
    by: By,
) -> None:
    """Work on dead letters once more, here and now; the reminders get the same ids. Ends with 3
    where any is still dead."""
    ours, result, after = settings.load(), Requeued(), 0
    chosen = _require_choice(ids, reason, everything=everything)
    while True:
        with connected(ours) as connection, connection.transaction():
            page = _page(connection, chosen, reason, after)
            if not page:
                break
            after = page[-1].dead_letter_id
            _keep_who(connection, "dead_letters.requeued", page, by)
            result += requeuing.requeue(
                connection, page, database_clock.now(connection), bounds_of(ours)
            )
    print(
        f"{plain.counted(result.worked, 'dead letter')} worked on, "
        f"{plain.counted(result.raised, 'reminder')} raised, "
        f"{result.withdrawn:,} withdrawn, {result.still_dead:,} still dead."
    )
    for code in dict.fromkeys(result.storms):
        print(f"A storm of {code} has begun: its messages are held; look at `alerting storms`.")
    if result.still_dead:
        print(
            "`alerting dead-letters list` says what is wrong with those: mend it and requeue them "
            "again, or settle what shall never be worked on."
        )
        raise typer.Exit(ExitCode.BLOCKED)


@app.command()
def settle(ids: Numbers = None, reason: OfReason = None, *, why: Why, by: By) -> None:
    """Settle dead letters that shall never be worked on: they are kept, and no longer told."""
    ours, settled, after = settings.load(), 0, 0
    chosen = _require_choice(ids, reason)
    while True:
        with connected(ours) as connection, connection.transaction():
            page = _page(connection, chosen, reason, after)
            if not page:
                break
            after = page[-1].dead_letter_id
            _keep_who(connection, "dead_letters.settled", page, by, why=why)
            settled += dead_letters.settle(connection, [one.dead_letter_id for one in page])
    print(
        f"{plain.counted(settled, 'dead letter')} settled and kept: "
        "`alerting dead-letters list --all` shows what was."
    )


def _cells(one: dead_letters.StoredDeadLetter) -> Sequence[object]:
    """What `_HEAD` names."""
    place = f"{one.topic}/{one.partition}@{one.log_offset}"
    seen = plain.instant(one.first_seen_at)
    return one.dead_letter_id, one.state, one.reason, seen, place, one.rule_code, one.detail


def _page(
    connection: psycopg.Connection, ids: Sequence[int] | None, reason: str | None, after: int
) -> list[dead_letters.StoredDeadLetter]:
    """The next open letters behind the one of number `after`; every number must be an open one's,
    before anything is done."""
    if ids and not after:
        found = dead_letters.find(connection, state="dead", reason=reason, ids=ids, limit=len(ids))
        _require_all(ids, {one.dead_letter_id for one in found})
    return dead_letters.find(
        connection, state="dead", reason=reason, ids=ids, after=after, limit=PAGE
    )


def _keep_who(
    connection: psycopg.Connection,
    action: str,
    page: Sequence[dead_letters.StoredDeadLetter],
    by: str,
    **details: str,
) -> None:
    audit.record(
        connection, action, ("dead_letters", f"{len(page)} of them"), by=by,
        purpose=Purpose.OPERATIONS,
        details={"dead_letters": [one.dead_letter_id for one in page], **details},
    )  # fmt: skip


def _require_choice(
    ids: Sequence[int] | None, reason: str | None, *, everything: bool = False
) -> Sequence[int] | None:
    """The numbers asked for, None for all of the reason; `UsageError` where nothing is named."""
    if not ids and not reason and not everything:
        raise UsageError("Say which: numbers from `alerting dead-letters list`, --reason or --all.")
    _require_reason(reason)
    return sorted(set(ids)) if ids else None


def _require_reason(reason: str | None) -> None:
    if reason is not None and reason not in get_args(Reason):
        raise UsageError(f"{reason} is no reason of dead letters: {', '.join(get_args(Reason))}.")


def _require_all(asked: Sequence[int], found: Collection[int]) -> None:
    """`UsageError` where a number is not that of an open dead letter, before anything is done."""
    unknown = [str(number) for number in asked if number not in found]
    if unknown:
        raise UsageError(
            f"{', '.join(unknown)}: no open dead letter has this number (of that reason), so "
            "nothing was requeued or settled. `alerting dead-letters list` shows the open ones, "
            "with --all also those that were requeued or settled before."
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
