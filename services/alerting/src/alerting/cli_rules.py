"""The commands `alerting rules …`: what holds, and how it is changed by two people."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from alerting import drafts, overrides, parameters, ruleset, settings
from alerting.commands import AsJson, connected
from alerting.rules import RULES
from crm_shared import plain
from crm_shared.errors import UsageError

CHANGES = (
    "CODE=VALUE of each changed parameter; CODE@ENTITY=VALUE for a legal entity, CODE@ENTITY/TIER "
    "for a tier there, CODE@/TIER for a tier everywhere, without a VALUE to take that away."
)

app = typer.Typer(help="The rules: what holds, and new versions by two people.")

By = Annotated[str, typer.Option("--by", help="Who says so: name or number of the employee.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept with the version.")]
Code = Annotated[str, typer.Argument(help="Code of the rule, as R01.LARGE_INFLOW.")]


@app.callback(invoke_without_command=True)
def in_force(context: typer.Context, as_json: AsJson = False) -> None:
    """Without a command: the rules in force, version and parameters (--json: value by code)."""
    if context.invoked_subcommand is not None:
        return
    with connected(settings.load()) as connection:
        found = ruleset.load(connection)
    if as_json:
        print(json.dumps(found.parameters(), indent=2))
        return
    rows = [
        (one.rule.code, one.version, _said(one.values))
        for one in sorted(found.rules, key=lambda one: one.rule.code)
    ]
    for line in plain.aligned(("rule", "version", "parameters"), rows):
        print(line)


@app.command()
def show(code: Code, as_json: AsJson = False) -> None:
    """Every version of a rule: from when, what, by whom and why, and what its backtest was."""
    with connected(settings.load()) as connection:
        found = drafts.versions(connection, code)
    if as_json:
        print(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
        return
    head = ("version", "from", "maker", "checker", "why", "backtest", "parameters")
    rows = [
        (
            one.version, plain.instant(one.effective_from), one.maker, one.checker,
            one.reason if one.maker else "set up so", _tried(one, "none") if one.maker else None,
            _said(overrides.flat(one.parameters)),
        )
        for one in found
    ]  # fmt: skip
    for line in plain.aligned(head, rows):
        print(line)


@app.command()
def schema(code: Code) -> None:
    """The JSON Schema of a rule's parameters."""
    if code not in RULES:
        raise UsageError(f"There is no rule {code}; `alerting rules` lists them.")
    print(json.dumps(parameters.schema(code), indent=2, ensure_ascii=False))


@app.command()
def draft(
    code: Code,
    changes: Annotated[list[str], typer.Argument(help=CHANGES)],
    by: By,
    reason: Reason,
) -> None:
    """Propose a new version: the newest one with these changes. Nothing changes yet."""
    ours = settings.load()
    with connected(ours) as connection:
        number = drafts.draft(
            connection, code, changed(changes), maker=by, reason=reason, settings=ours
        )
    print(f"Draft {number} waits: a second person runs `alerting rules approve {number} --by …`.")


@app.command(name="drafts")
def list_drafts(as_json: AsJson = False) -> None:
    """The drafts that wait for a second person, with what they change."""
    with connected(settings.load()) as connection:
        found = drafts.open_drafts(connection)
        before = {
            one.draft_id: overrides.flat(drafts.versions(connection, one.code)[-1].parameters)
            for one in found
        }
    if as_json:
        print(json.dumps([_as_json(one) for one in found], indent=2, ensure_ascii=False))
        return
    head = ("draft", "rule", "maker", "why", "backtest", "changes")
    rows = [
        (
            one.draft_id, one.code, one.maker, one.reason, _tried(one, "not yet"),
            _changes(before[one.draft_id], overrides.flat(one.parameters)),
        )
        for one in found
    ]  # fmt: skip
    for line in plain.aligned(head, rows):
        print(line)
    print(f"{plain.counted(len(found), 'draft waits', 'drafts wait')}.")


@app.command()
def approve(
    draft_id: Annotated[int, typer.Argument(help="Number from `alerting rules drafts`.")],
    by: By,
    at: Annotated[
        str | None, typer.Option(help="From when, as 2026-07-02T00:00:00+08:00; default: now.")
    ] = None,
    untested: Annotated[
        bool, typer.Option("--untested", help="There is no history to try it on.")
    ] = False,
) -> None:
    """Put a draft in force, as another person than its maker."""
    ours = settings.load()
    begins = None if at is None else instant(at)
    with connected(ours) as connection:
        made = drafts.approve(
            connection, draft_id, checker=by, at=begins, settings=ours, untested=untested
        )
    print(f"Version {made.version} is in force from {plain.instant(made.effective_from)}.")


@app.command()
def reject(
    draft_id: Annotated[int, typer.Argument(help="Number from `alerting rules drafts`.")],
    by: By,
    reason: Reason,
) -> None:
    """Turn a draft down, as another person than its maker."""
    with connected(settings.load()) as connection:
        drafts.reject(connection, draft_id, checker=by, reason=reason)
    print(f"Draft {draft_id} is rejected; the rule stays as it is.")


def changed(changes: Sequence[str]) -> dict[str, str]:
    """Value by parameter code, or code and scope, from arguments like `movement.currency=CNY`."""
    pairs = [one.partition("=") for one in changes]
    for name, sign, _ in pairs:
        if not sign or not name:
            raise UsageError(f"{name!r} is not CODE=VALUE; as in frequent_transfers.min_count=6.")
    return {name: value for name, _, value in pairs}


def instant(said: str) -> datetime:
    """An instant with its offset from UTC."""
    try:
        found = datetime.fromisoformat(said)
        if found.tzinfo is not None:
            return found
    except ValueError:
        pass
    raise UsageError(
        f"{said!r} is not an instant: write date, time and offset, as 2026-07-02T00:00:00+08:00."
    )


def _changes(was: Mapping[str, Any], will_be: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name}: {was.get(name, '-')} -> {will_be.get(name, '-')}"
        for name in {**was, **will_be}
        if was.get(name) != will_be.get(name)
    )


def _tried(one: drafts.Draft | drafts.Version, untried: str) -> str:
    tried = one.backtest
    if not tried:
        return untried
    return (
        f"{tried['from']} to {tried['to']}, {plain.counted(tried['events'], 'event')}: "
        f"{plain.counted(tried['proposed'], 'reminder')}, {tried['in_force']} as in force"
    )


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{code} = {value}" for code, value in values.items()) or "-"


def _as_json(one: drafts.Draft | drafts.Version) -> dict[str, Any]:
    values = {name: getattr(one, name) for name in one.__slots__}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }
