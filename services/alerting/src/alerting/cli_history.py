"""The command `alerting backtest`, which looks back."""

import json
from collections.abc import Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from alerting import (
    audit,
    drafts,
    managers,
    overrides,
    parameters,
    ruleset,
    scopes,
    settings,
)
from alerting.cli_rules import CHANGES, Code, changed
from alerting.commands import NOT_SHOWN, AsJson, MaybeBy, MaybePurpose, connected, published
from alerting.rules import RULES
from crm_shared import plain
from crm_shared.errors import UsageError

app = typer.Typer()

ONE_OF_THEM = "Say what to try: either CODE=VALUE arguments or --draft NUMBER"

NOTHING_TRIED = (
    "These days have no event that the rule looks at, so nothing was tried: choose days with "
    "events. A draft is not approved on this."
)

Landing = Annotated[
    Path, typer.Option(envvar="CRM_LANDING_DIR", help="The core's delivered files.")
]
From = Annotated[str, typer.Option("--from", help="First business date, as 2026-06-01.")]
To = Annotated[str, typer.Option("--to", help="Last business date.")]


@app.command()
def backtest(
    code: Code,
    changes: Annotated[list[str] | None, typer.Argument(help=CHANGES)] = None,
    *,
    first: From,
    last: To,
    landing: Landing,
    draft: Annotated[
        int | None, typer.Option(help="Try this draft and keep the result with it.")
    ] = None,
    by: MaybeBy = None,
    purpose: MaybePurpose = None,
    as_json: AsJson = False,
) -> None:
    """What a rule with other parameters would have raised, beside the version in force; a rule
    that has none is tried as it is."""
    from alerting import backtest as trying  # noqa: PLC0415  only who looks back needs DuckDB

    days, ours = (day(first), day(last)), settings.load()
    asker = audit.asker(by, purpose)
    with connected(ours) as connection:
        drafts.versions(connection, code)
        (in_force,) = (one for one in ruleset.load(connection).rules if one.rule.code == code)
        if draft is not None and changes:
            raise UsageError(f"{ONE_OF_THEM}.")
        if draft is None and not changes and RULES[code].parameter_codes:
            raise UsageError(f"{ONE_OF_THEM}; a rule without parameters is tried as it is.")
        if draft is None:
            newest = drafts.newest(connection, code)[1]
            proposed = overrides.changed(code, newest, changed(changes or []))
        else:
            proposed = drafts.waiting(connection, draft, code).parameters
        scopes.require_known(connection, parameters.parse(code, proposed))
    # Without a connection: nobody knows how long so many days take.
    tried = trying.run(code, proposed, in_force, landing, days, find=published(ours))
    with connected(ours) as connection:
        found = tried.summary(partial(managers.lead, connection))
        if draft is not None:
            drafts.keep_backtest(connection, draft, found)
        if asker is None:
            del found["sample"]
        else:
            audit.record(
                connection, "backtest.sample", ("rule", code), by=asker.by, purpose=asker.purpose,
                details={"customers": [one["customer_id"] for one in found["sample"]]},
            )  # fmt: skip
    print(json.dumps(found, indent=2) if as_json else _told(found))


def day(said: str) -> date:
    """A business date."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise UsageError(f"{said!r} is not a date; write it as 2026-06-30.") from None


def without_type(found: Mapping[str, Any]) -> list[str]:
    """What had to be assumed of customers, if anything."""
    number = found["customers_without_type"]
    if not number:
        return []
    return [
        f"{plain.counted(number, 'customer who booked has', 'customers who booked have')} no type "
        "on any delivered day: who has none is taken as an individual; "
        "the stream goes by what each booking says."
    ]


def _told(found: Mapping[str, Any]) -> str:
    lines = [
        f"{found['code']} on {plain.counted(found['events'], 'event')}, {found['from']} to "
        f"{found['to']}: {plain.counted(found['proposed'], 'reminder')} as proposed, "
        f"{found['in_force']:,} as in force; {found['both']:,} the same, "
        f"{found['only_proposed']:,} new, {found['only_in_force']:,} no longer.",
        *without_type(found),
        *found["assumed"],
        *([] if found["events"] else [NOTHING_TRIED]),
    ]
    after, before = found["by_day"], found["by_day_in_force"]
    lines += plain.aligned(
        ("day", "proposed", "in force"),
        [(one, after.get(one, 0), before.get(one, 0)) for one in sorted({*after, *before})],
    )
    for name in ("by_branch", "by_manager"):
        told = "not known: acrm-batch has published nobody" if found[name] is None else "-"
        most = sorted((found[name] or {}).items(), key=lambda it: (-it[1], it[0]))[:10]
        listed = ", ".join(f"{one} {number}" for one, number in most) or told
        lines.append(f"most {name.replace('_', ' ')}: {listed}")
    if "sample" not in found:
        lines.append(NOT_SHOWN)
    for one in found.get("sample", ()):
        lines.append(
            f"{one['change'].replace('_', ' ')}, for instance: "
            f"customer {one['customer_id']}, {one['window']}, "
            f"value {one['value']}, threshold {one['threshold']}"
        )
    return "\n".join(lines)
