"""What the codes mean: lint, lineage, dictionary."""

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from acrm_batch.cli.options import Json, parsed_date, settings_of
from acrm_batch.cli.output import plain, print_json, print_table, say, sentences, warn
from acrm_batch.dictionary import entries
from acrm_batch.dictionary_page import render
from acrm_batch.lineage import origins_of
from acrm_batch.pages import write
from acrm_batch.project import Project
from crm_shared.errors import ExitCode, UsageError

app = typer.Typer()

#: What a list of all codes has room for; inputs, audits and SQL are with a single code, in the page
#: and in the JSON.
_SHOWN = ("code", "name_zh", "name_en", "formula_zh", "formula_en", "unit", "owner")


@app.command(name="lint")
def lint_command(as_json: Json = False) -> None:
    """Find faults in the models and the catalogue."""
    with sentences():
        from acrm_batch.lint import lint  # noqa: PLC0415  SQLGlot costs the others 0.3 s

        faults = lint(Project.load())
        if as_json:
            print_json(faults)
        else:
            for fault in faults:
                warn(fault)
        if faults:
            raise typer.Exit(int(ExitCode.USAGE))
        if not as_json:
            say("The models and the catalogue are without faults.")


@app.command(name="lineage")
def lineage_command(code: str, as_json: Json = False) -> None:
    """Show what a code, or `model.column`, is made of, down to the columns of landing tables."""
    with sentences():
        found = origins_of(Project.load()).lineage(code)
        if as_json:
            print_json(asdict(found))
            return
        for formula in filter(None, (found.formula_zh, found.formula_en)):
            say(f"{found.code}: {formula}")
        for name, made_of in found.columns:
            say(f"  {name} <- {', '.join(made_of) or 'what the model itself says'}")
        say(f"landing columns: {', '.join(found.landing_columns)}")


@app.command()
def dictionary(
    code: Annotated[str | None, typer.Argument(
        help="Show all that is said of this code alone.")] = None,
    *,
    publishes: Annotated[date | None, typer.Option(
        "--publish", parser=parsed_date, metavar="DATE",
        help="Publish it again with that date's partitions.")] = None,
    page: Annotated[Path | None, typer.Option(
        "--html", metavar="FILE", help="Write it as one HTML page.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Show every code of the catalogue, and the service standard of every tier."""
    with sentences():
        if publishes is not None:
            from acrm_batch import batch  # noqa: PLC0415  showing needs no engine
            from acrm_batch.cli.runs import bring_about  # noqa: PLC0415

            settings, day = settings_of(), publishes
            summary = bring_about(day, lambda progress: batch.publish_date(
                settings, day, progress, sends=False), quiet=as_json)  # fmt: skip
            if as_json:
                print_json(summary)
            return
        project = Project.load()
        if page is not None:
            write(page, render(project))
            print_json({"file": page}) if as_json else say(f"Written to {page}.")
            return
        rows = entries(project)
        if code is not None:
            rows = [row for row in rows if row["code"] == code]
            if not rows:
                raise UsageError(
                    f"Nothing is called {code}; `acrm dictionary` lists the codes, and"
                    " `acrm lineage` follows models and columns, too."
                )
        if as_json:
            print_json(rows)
        elif code is not None:
            for what, said in rows[0].items():
                say(f"{what}: {', '.join(said) if isinstance(said, list) else plain(said)}")
        else:
            print_table("Dictionary", rows, _SHOWN)
