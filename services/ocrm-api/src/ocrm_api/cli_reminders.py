"""`ocrm reminders`: what became of one, and why."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer

from crm_shared.errors import UsageError
from ocrm_api.commands import speaks
from ocrm_api.day_list import explanation
from ocrm_api.db import Database
from ocrm_api.json_responses import to_json
from ocrm_api.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Reminders: what became of one, and why.")


@app.callback()
def _group() -> None:
    """A command alone would take the place of the group."""


@app.command()
@speaks
def explain(
    reminder_id: Annotated[UUID, typer.Argument(help="As `alerting why` tells it.")],
    as_json: Annotated[bool, typer.Option("--json", help="For scripts.")] = False,
) -> None:
    """State, history, routing, what mutes it, its place in today's list, escalation, withdrawal;
    nothing of the customer."""
    found = asyncio.run(_explained(reminder_id))
    if found is None:
        raise UsageError(
            f"The OCRM has no reminder {reminder_id}. `alerting why` says whether its message was"
            " sent, waits, or is held by a storm; if it was sent, `ocrm dead-letters` and GET"
            " /v1/intake say whether the intake could use it and how far it is."
        )
    if as_json:
        typer.echo(to_json(found).decode())
        return
    typer.echo(
        f"reminder {found['reminder_id']} of {found['rule_code']}: {found['status_name']},"
        f" revision {found['revision']}, raised {_at(found['raised_at'])}, received"
        f" {_at(found['received_at'])}{', late' if found['late'] else ''}"
    )
    for sentence in found["sentences"]:
        typer.echo(sentence)
    for one in found["history"]:
        change = f"{one['from_status']} -> {one['to_status']}" if one["to_status"] else ""
        said = [_at(one["occurred_at"]), one["event"], change, one["employee_id"] or "",
                one["reason"] or ""]  # fmt: skip
        typer.echo("  ".join(part for part in said if part))


async def _explained(reminder_id: UUID) -> dict[str, Any] | None:
    database = Database(Settings.load())
    try:
        async with database.sessions() as session:
            found = await explanation.explain(session, reminder_id, "en")
            await session.commit()
            return found
    finally:
        await database.close()


def _at(instant: Any) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
