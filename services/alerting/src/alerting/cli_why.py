"""The command `alerting why`: a customer and a rule on a day, or one event and all rules."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from alerting import audit, database_clock, drafts, judged_by, settings, traces
from alerting.cli_history import Landing, day
from alerting.cli_rules import By
from alerting.commands import AsJson, connected, published
from alerting.rules import RULES
from crm_shared import plain
from crm_shared.errors import UsageError

if TYPE_CHECKING:
    from alerting.why import Explanation
    from alerting.why_event import EventExplanation

app = typer.Typer()

What = Annotated[
    str, typer.Argument(help="Code of the rule, as R01.LARGE_INFLOW; or the id of an event.")
]
Why = Annotated[audit.Purpose, typer.Option("--purpose", help="What it is asked for; kept.")]


@app.command()
def why(
    what: What,
    customer: Annotated[
        int | None, typer.Argument(help="With a rule: the customer's number.")
    ] = None,
    *,
    on: Annotated[
        str | None,
        typer.Option(help="The day of the booking, as 2026-06-30; of an event, to find it sooner."),
    ] = None,
    by: By,
    purpose: Why,
    landing: Landing,
    as_json: AsJson = False,
) -> None:
    """Why a rule raised a reminder for a customer on a day, or did not; or what all rules said of
    an event. Who asks is kept."""
    event_id = _event_id(what)
    if event_id is not None:
        if customer is not None:
            raise UsageError("An event has its customer: leave the number out.")
        _of_event(event_id, day(on) if on else None, (by, purpose), landing, as_json=as_json)
        return
    if customer is None or on is None:
        raise UsageError("With a rule, say the customer and the day (--on); or name an event.")
    _of_customer(what, customer, day(on), (by, purpose), landing, as_json=as_json)


def _event_id(what: str) -> UUID | None:
    try:
        return UUID(what)
    except ValueError:
        return None


def _of_customer(
    code: str,
    customer: int,
    asked: date,
    asker: tuple[str, audit.Purpose],
    landing: Path,
    *,
    as_json: bool,
) -> None:
    from alerting import judged_again  # noqa: PLC0415  only who looks back needs DuckDB
    from alerting import why as asking  # noqa: PLC0415

    ours, (by, purpose) = settings.load(), asker
    with connected(ours) as connection:
        versions = drafts.versions(connection, code)
        worked = judged_by.worked(connection, customer)
        audit.record(
            connection, "reminder.explain", ("customer", customer), by=by, purpose=purpose,
            details={"rule": code, "day": str(asked)},
        )  # fmt: skip
    # Without a connection: nobody knows how long the files take.
    again = judged_again.judge(
        code, versions, customer, asked, landing, find=published(ours), worked=worked
    )
    with connected(ours) as connection:
        found = asking.explain(connection, code, customer, asked, again)
    if as_json:
        print(json.dumps(asdict(found), indent=2, default=str))
        return
    _tell(code, customer, asked, found, in_files=code in judged_again.JUDGED_AGAIN)


def _of_event(
    event_id: UUID,
    asked: date | None,
    asker: tuple[str, audit.Purpose],
    landing: Path,
    *,
    as_json: bool,
) -> None:
    from alerting import ledger_search, why_event  # noqa: PLC0415  only who looks back needs DuckDB

    ours, (by, purpose) = settings.load(), asker
    with connected(ours) as connection:
        known = traces.of(connection, event_id)
        versions = {code: drafts.versions(connection, code) for code in RULES}
    place = ledger_search.find(landing, event_id, asked or known.day)
    if place is None and asked is None and known.day is not None:
        place = ledger_search.find(landing, event_id, None)
    with connected(ours) as connection:
        source = why_event.source_of(connection, known, versions, place, landing)
        customer = source.event.customer_id if source else known.customer_id
        audit.record(
            connection, "event.explain",
            ("customer", customer) if customer else ("event", event_id),
            by=by, purpose=purpose, details={"event": str(event_id)},
        )  # fmt: skip
        if source is None and not known.anything:
            if events := traces.raised_by(connection, event_id):
                named = ", ".join(map(str, events))
                raise UsageError(f"{event_id} is a reminder; ask why of its event: {named}.")
            raise why_event.unknown(event_id, landing, asked)
        worked = (
            judged_by.worked(connection, customer)
            if customer
            else judged_by.KeptOfCustomer(database_clock.now(connection))
        )
    said = why_event.rules_say(source, known, versions, find=published(ours), worked=worked)
    with connected(ours) as connection:
        found = why_event.explain(connection, source, known, said)
    if as_json:
        print(json.dumps(asdict(found), indent=2, default=str))
        return
    _tell_event(found, known)


def _tell(code: str, customer: int, asked: date, found: "Explanation", *, in_files: bool) -> None:
    for sentence in found.assumed:
        print(sentence)
    rows = [
        (plain.instant(one.occurred_at), one.fact, one.event_id, found.sentence(one))
        for one in found.judged
    ]
    for line in plain.aligned(("at", "fact", "event", "the rule"), rows):
        print(line)
    if not in_files:
        print(
            f"No delivered file tells the events of {code}: only what the database has is told, "
            "and that a reminder is missing cannot be found out."
        )
    elif not found.judged:
        print(
            f"The delivered files have no event for {code} of customer {customer} on {asked}. "
            "Check number and day; the rule looks at no other kind of event."
        )
    for it in found.standing:
        version = f"version {it.version}" if it.version else "version not kept"
        if it.scope:
            version += f" for {it.scope}"
        day_kept = "" if it.day else ", may be of another day"
        print(
            f"reminder {it.reminder_id}, {it.window}: {it.state}, revision {it.revision}, "
            f"{version}, {it.told}{day_kept}"
        )
    _tell_more(it.reminder_id for it in found.standing)
    numbers = ", ".join(str(one) for one in found.dead_letters)
    print(f"dead letters of this customer: {numbers or 'none'}")


def _tell_event(found: "EventExplanation", known: traces.Traces) -> None:
    print(found.sentence)
    for sentence in found.notes:
        print(sentence)
    rows = [(one.rule_code, one.sentence) for one in found.rules]
    for line in plain.aligned(("rule", "said"), rows):
        print(line)
    _tell_more(one.reminder_id for one in known.fired)
    numbers = ", ".join(f"{one.dead_letter_id} ({one.state})" for one in known.letters)
    print(f"dead letters of this event: {numbers or 'none'}")


def _tell_more(reminder_ids: Iterable[UUID]) -> None:
    """What became of a reminder after it was sent, only the OCRM knows."""
    for one in dict.fromkeys(reminder_ids):
        print(f"what the OCRM did with it: ocrm reminders explain {one}")
