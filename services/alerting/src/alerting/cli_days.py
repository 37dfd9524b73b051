"""The commands about whole days: `alerting completeness` and `alerting replay`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import typer

from alerting import audit, database_clock, days_checked, ruleset, settings, worked
from alerting.cli_history import From, Landing, To, day, without_type
from alerting.commands import NOT_SHOWN, AsJson, MaybeBy, MaybePurpose, connected, published
from crm_shared import kafka, plain
from crm_shared.clock import bank_date
from crm_shared.errors import ExitCode, UsageError
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings

app = typer.Typer()


@app.command()
def completeness(
    asked: Annotated[str, typer.Option("--date", help="The business date, as 2026-06-30.")],
    *,
    landing: Landing,
    settle: Annotated[
        str | None, typer.Option(help="Check nothing: nobody will do more about the day, and why.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who settles it; kept.")] = "",
    as_json: AsJson = False,
) -> None:
    """Whether everything that the core booked on a day was worked on, and no rule failed on any of
    it; ends with 3 if not."""
    from alerting import completeness as asking  # noqa: PLC0415  only who looks back needs DuckDB

    on, ours, broker = day(asked), settings.load(), KafkaSettings.load()
    if settle is not None:
        with connected(ours) as connection:
            days_checked.settle(connection, on, by=by, why=settle)
        print(f"{on} is settled: it is told no more. The audit log keeps who said so, and why.")
        return
    with connected(ours) as connection:
        found = worked.read(connection, on, [kafka.topic(broker, name) for name in TOPICS])
    # Without a connection: nobody knows how long reading a day takes.
    report = _report(on, asking.lines(found, broker, landing, on), found)
    print(json.dumps(report, indent=2, default=str) if as_json else "\n".join(_told(report)))
    with connected(ours) as connection:
        days_checked.keep(connection, on, complete=report["complete"])
    if not report["complete"]:
        raise typer.Exit(ExitCode.BLOCKED)


@app.command()
def replay(
    *,
    first: From,
    last: To,
    landing: Landing,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge and compare only.")] = False,
    by: MaybeBy = None,
    purpose: MaybePurpose = None,
    as_json: AsJson = False,
) -> None:
    """What the rules in force would raise on delivered days, beside the reminders there are."""
    from alerting import replay as again  # noqa: PLC0415  only who looks back needs DuckDB

    if not dry_run:
        raise UsageError(
            "A replay judges and changes nothing: add --dry-run. To raise what it finds new, have "
            "the core bank send those days to the topics again: what is known changes nothing, "
            "and reminders keep their ids. Sending again withdraws nothing."
        )
    days, ours, asker = (day(first), day(last)), settings.load(), audit.asker(by, purpose)
    with connected(ours) as connection:
        rules = ruleset.load(connection)
    # Without a connection, as above.
    replayed = again.judge(rules, landing, *days, published(ours))
    with connected(ours) as connection:
        found = again.summary(replayed, again.compare(connection, replayed))
        shown = {it["customer_id"] for one in found["rules"].values() for it in one["examples"]} - {
            None
        }
        if asker is not None:
            audit.record(
                connection, "replay.examples", ("days", f"{first}/{last}"),
                by=asker.by, purpose=asker.purpose, details={"customers": sorted(shown)},
            )  # fmt: skip
        found["kept_since"] = str(bank_date(database_clock.now(connection) - ours.retention))
    if asker is None:
        for one in found["rules"].values():
            del one["examples"]
    print(json.dumps(found, indent=2, default=str) if as_json else "\n".join(_replayed(found)))


def _replayed(found: dict[str, Any]) -> list[str]:
    names = ("same", "changed", "new", "again", "withdrawn")
    said = [
        f"{found['from']} to {found['to']} by the rules in force, on "
        f"{plain.counted(found['events'], 'delivered event')}, with those that windows and "
        "reversals need; nothing is written.",
        *without_type(found),
        *found["assumed"],
        *plain.aligned(
            ("rule", *names),
            [(code, *(one[name] for name in names)) for code, one in found["rules"].items()],
        ),
    ]
    for code, one in found["rules"].items():
        for it in one.get("examples", ()):
            sides = " -> ".join(_facts(it[side]) for side in ("before", "after") if it[side])
            said.append(
                f"{code} {it['outcome']}, for instance: customer {it['customer_id']}, "
                f"{it['window']}, {sides or 'its values are kept no longer'}"
            )
    if not any("examples" in one for one in found["rules"].values()):
        said.append(NOT_SHOWN)
    said += [f"{code} is not judged: {why}." for code, why in found["not_judged"].items()]
    if found["from"] < found["kept_since"]:
        said.append(
            f"Reminders raised before {found['kept_since']} are kept no longer "
            "(ALERTING_RETENTION_DAYS): they look new."
        )
    return said


def _facts(facts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items()) or "no values"


def _report(on: date, lines: Sequence[Any], found: worked.Worked) -> dict[str, Any]:
    dead = [one for one in found.letters if one.dead]
    told = [one for one in lines if one.booked is not None]
    return {
        "business_date": str(on),
        "complete": bool(told) and all(one.complete for one in told) and not found.failed,
        "kinds": [asdict(one) | {"complete": one.complete} for one in lines],
        "reminders": found.reminders,
        "dead_letters": [one.dead_letter_id for one in dead],
        "dead_letters_of_no_day": [one.dead_letter_id for one in found.undated if one.open],
        "dead_letters_of_rules": [
            {"rule": code, "dead_letters": numbers} for code, numbers in found.failed.items()
        ],
        "storms": found.storms,
    }


def _told(report: dict[str, Any]) -> list[str]:
    said = list(plain.aligned(
        ("kind", "booked", "worked on", "late", "missing", "result"),
        [(one["kind"], one["booked"], one["worked"], one["late"], one["missing"], _verdict(one))
         for one in report["kinds"]],
    ))  # fmt: skip
    said += [f"{one['kind']}: {sentence}" for one in report["kinds"] for sentence in one["to_do"]]
    said += list(plain.aligned(
        ("rule", "raised", "withdrawn", "not yet sent", "held by a storm"),
        [(one["rule"], one["raised"], one["withdrawn"], one["not_sent"], one["held"])
         for one in report["reminders"]],
    )) or ["No reminder was raised for events of that day."]  # fmt: skip
    said.append(f"Open dead letters of the day: {_numbers(report['dead_letters'])}.")
    if undated := report["dead_letters_of_no_day"]:
        said.append(
            f"Open dead letters that name no day, so that some may be of this one: "
            f"{_numbers(undated)}. Look: `alerting dead-letters list`."
        )
    for one in report["dead_letters_of_rules"]:
        said.append(
            f"{one['rule']} failed on events of that day and nobody knows what it would have said, "
            f"dead letters of its own: {_numbers(one['dead_letters'])}. Mend the cause, then "
            "`alerting dead-letters requeue NUMBER … --by NAME`; what need not be judged: "
            "`alerting dead-letters settle NUMBER … --why REASON --by NAME`."
        )
    for one in report["storms"]:
        state = "lasts: its messages are held (`alerting storms`)" if one["lasts"] else "has ended"
        said.append(f"The storm of {one['rule']} in the hour from {one['hour']:%H:%MZ} {state}.")
    verdict = "complete" if report["complete"] else "NOT COMPLETE"
    return [*said, f"{report['business_date']} is {verdict}."]


def _verdict(one: dict[str, Any]) -> str:
    if one["booked"] is None:
        return "not in the delivered files: counted only"
    if one["proven"]:
        return "complete: number and control total agree"
    if one["complete"] is None:
        return "not known"
    extra = [f"{one[name]} {name}" for name in ("repeats", "unknown") if one[name]]
    return ", ".join(["every event found" if one["complete"] else "NOT COMPLETE", *extra])


def _numbers(found: Sequence[int]) -> str:
    some = " ".join(str(one) for one in found[:5])
    return f"{len(found)} ({some}{' …' if len(found) > 5 else ''})" if found else "none"
