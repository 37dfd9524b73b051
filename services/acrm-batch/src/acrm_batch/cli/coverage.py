"""Asking the coverage rules: who would move, why a customer is whose he is, who leads too many."""

import csv
import json
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from acrm_batch import coverage as rules
from acrm_batch.catalogue import ALWAYS
from acrm_batch.cli.options import (
    Day,
    Json,
    Landing,
    Memory,
    Threads,
    Warehouse,
    parsed_date,
    settings_of,
)  # fmt: skip
from acrm_batch.cli.output import errors, plain, print_json, print_table, say, sentences
from acrm_batch.portfolios import PROPOSAL_COLUMNS, PROPOSALS, Portfolios, portfolios
from acrm_batch.progress import Progress
from acrm_batch.rehearsal import rehearsing, tried
from crm_shared.errors import UsageError

app = typer.Typer()

_CHANGES = {"branch": "to another branch", "manager": "to another manager", "new": "new",
            "gone": "not covered any more"}  # fmt: skip

Set = Annotated[list[str], typer.Option(
    "--set", metavar="CODE=VALUE",
    help="Try another value of a parameter; may be repeated.")]  # fmt: skip
File = Annotated[Path | None, typer.Option(
    "--params",
    help="Try the values of a YAML file with entries like those of the catalogue.")]  # fmt: skip
Since = Annotated[date | None, typer.Option(
    parser=parsed_date, metavar="DATE",
    help="Values of --set hold from this date on; without it, as if they always had.")]  # fmt: skip
Against = Annotated[date | None, typer.Option(
    parser=parsed_date, metavar="DATE",
    help="Compare with this date, not with the newest published one.")]  # fmt: skip


@app.command()
def coverage(
    *,
    day: Day,
    is_dry_run: Annotated[bool, typer.Option("--dry-run", help="Who would move, and why.")] = False,
    customer: Annotated[int | None, typer.Option(help="Why this customer is whose he is.")] = None,
    is_portfolios: Annotated[bool, typer.Option(
        "--portfolios", help="Whose portfolio is above its limit, and which customers are"
                             " proposed to another manager.")] = False,
    given: Set = [], params: File = None, since: Since = None, against: Against = None,  # noqa: B006
    branch: Annotated[str | None, typer.Option(help="Only this branch: who comes to it, leaves it"
                                                    " or changes hands; its portfolios.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Customers shown as text.")] = 20,
    landing: Landing = None, warehouse: Warehouse = None, memory_limit: Memory = None,
    threads: Threads = None, as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="The customers as CSV.")] = False,
) -> None:  # fmt: skip
    """Rehearse who covers whom: nothing is recorded, published or written into the warehouse."""
    with sentences():
        _check(is_dry_run, customer, is_portfolios, as_json=as_json, as_csv=as_csv,
               only_dry=against, not_one=branch or as_csv)  # fmt: skip
        if since and not given:
            raise UsageError(
                "--since dates the values of --set; give one, or date those of --params."
            )
        settings = settings_of(landing_dir=landing, warehouse_dir=warehouse,
                               memory_limit=memory_limit, threads=threads)  # fmt: skip
        with (
            Progress(errors, quiet=as_json or as_csv) as progress,
            rehearsing(settings, day, progress) as stage,
        ):
            deciding = PROPOSALS if is_portfolios else rules.LEADS
            catalogue = tried(stage.runner.project, deciding, given=given, file=params,
                              since=since or ALWAYS)  # fmt: skip
            if customer is not None:
                found: Any = rules.why(stage, day, customer, catalogue)
            elif is_portfolios:
                found = portfolios(stage, day, catalogue, branch=branch)
            else:
                found = rules.dry_run(stage, day, catalogue, against=against, branch=branch)
        if customer is not None:
            print_json(found) if as_json else say_why(found)
        elif isinstance(found, Portfolios):
            _tell_portfolios(found, limit, as_json=as_json, as_csv=as_csv)
        else:
            _tell_moves(found, limit, as_json=as_json, as_csv=as_csv)


def _check(
    is_dry_run: bool, customer: int | None, is_portfolios: bool, *, as_json: bool, as_csv: bool,
    only_dry: object, not_one: object,
) -> None:  # fmt: skip
    if [is_dry_run, customer is not None, is_portfolios].count(True) != 1:
        raise UsageError(
            "Say either --dry-run (who would move), --customer N (why is he ours) or --portfolios"
            " (who leads too many)."
        )
    if as_json and as_csv:
        raise UsageError("Say either --json or --csv.")
    if only_dry and not is_dry_run:
        raise UsageError("--against goes with --dry-run.")
    if not_one and customer is not None:
        raise UsageError("--branch and --csv go with --dry-run and --portfolios, not --customer.")


def _tell_moves(moves: rules.DryRun, limit: int, *, as_json: bool, as_csv: bool) -> None:
    if as_csv:
        _print_csv(moves)
    elif as_json:
        print_json(vars(moves) | {"changes": _changes(moves)})
    else:
        _say_moves(moves, limit)


def _tell_portfolios(found: Portfolios, limit: int, *, as_json: bool, as_csv: bool) -> None:
    if as_json:
        print_json(vars(found))
        return
    if as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(PROPOSAL_COLUMNS)
        writer.writerows([plain(row[name]) for name in PROPOSAL_COLUMNS] for row in found.proposals)
        return
    above = [row for row in found.portfolios if row["over_by"]]
    reasons = Counter(row["reason"] for row in found.proposals)
    say(f"{found.business_date}: {len(found.portfolios):,} portfolios, {len(above):,} above their"
        f" limit by {sum(row['over_by'] for row in above):,} customers;"
        f" {reasons['over_limit']:,} customers proposed to be handed on,"
        f" {reasons['not_maintained']:,} to be taken back (neither visited nor called for"
        " the coverage.reclaim_days of their legal entity).")  # fmt: skip
    if above:
        print_table("Portfolios above their limit", above)
    if shown := found.proposals[:limit]:
        print_table("Proposals", shown)
    _say_more(len(found.proposals) - len(shown))


def _changes(moves: rules.DryRun) -> dict[str, int]:
    counts = Counter(row["change"] for row in moves.customers)
    return {change: counts[change] for change in _CHANGES}


def _deciding(row: dict[str, Any]) -> dict[str, Any]:
    """The values that the deciding rule looked at."""
    return next((rule["values"] for rule in row["why"] if rule["decides"]), {})


def _told(values: dict[str, Any]) -> str:
    """Values in a line, without those that are lists."""
    return ", ".join(
        f"{name} {plain(value)}" for name, value in values.items() if not isinstance(value, list)
    )


def _print_csv(moves: rules.DryRun) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*rules.MOVE_COLUMNS, "why"])
    for row in moves.customers:
        why = json.dumps(_deciding(row), default=plain, ensure_ascii=False)
        writer.writerow([*(plain(row[name]) for name in rules.MOVE_COLUMNS), why])


def _say_moves(moves: rules.DryRun, limit: int) -> None:
    counts = ", ".join(
        f"{count:,} {_CHANGES[change]}" for change, count in _changes(moves).items() if count
    )
    say(f"{moves.business_date}, compared with {moves.compared_with}:"
        f" {len(moves.customers):,} changes{f' ({counts})' if counts else ''}.")  # fmt: skip
    say(f"Parameters: {_told(moves.parameters)}")
    if not moves.customers:
        return
    if moves.branches:
        print_table("Branches", moves.branches)
    print_table("Managers", moves.managers)
    shown = [
        {name: row[name] for name in rules.MOVE_COLUMNS} | {"why": _told(_deciding(row))}
        for row in moves.customers[:limit]
    ]
    if shown:
        print_table("Customers", shown)
    _say_more(len(moves.customers) - len(shown))


def _say_more(left_out: int) -> None:
    if left_out > 0:
        say(f"{left_out:,} more; --json and --csv have all of them, --limit shows more.")


def say_why(found: dict[str, Any]) -> None:
    """Tell why a customer is whose he is: every rule with its values."""
    manager = {
        "rule": "the one of the rule",
        "head": "given by the head of the branch",
        "virtual": "nobody, so the branch's virtual manager",
    }[found["manager_from"]]
    say(f"Customer {found['customer_id']} on {found['business_date']}: led by branch"
        f" {found['lead_branch_id']} through {found['lead_manager_id']} ({manager}),"
        f" by rule {found['rule']}, version {found['rule_version']}.")  # fmt: skip
    if found["manager_from"] != "rule" and found["manager_of_the_rule"]:
        say(f"{found['manager_of_the_rule']}, whom the rule names, has left.")
    lines, lists = [], []
    for rule in found["rules"]:
        values = rule["values"]
        lists += [(name, value) for name, value in values.items() if isinstance(value, list)]
        does = "decides" if rule["decides"] else "would match" if rule["matched"] else "no"
        lines.append({"rule": rule["rule"], "matches": does, "values": _told(values)})
    print_table("Rules, the first that matches decides", lines)
    titles = {"averages": f"Averages on {found['business_date']}",
              "month_end": "Averages of the last month end"}  # fmt: skip
    for name, rows in lists:
        say(f"{titles[name]}:")
        print_table(titles[name], rows)
    say(
        "Parameters: " + ", ".join(f"{code} {value}" for code, value in found["parameters"].items())
    )
