"""`ocrm notifications`: what became of them, and who wants what."""

import json
from typing import Annotated, Literal, TypeVar, get_args
from uuid import UUID

import typer

from crm_shared import plain
from crm_shared.errors import UsageError
from ocrm_api.commands import of_the_application, speaks
from ocrm_api.languages import Language
from ocrm_api.notifications import records
from ocrm_api.settings import ChannelName

T = TypeVar("T", bound=str)
Status = Literal["waiting", "sent", "failed", "dropped"]

_HEAD = (
    "notification", "at", "employee", "kind", "channel", "reminders", "attempts", "reason"
)  # fmt: skip

app = typer.Typer(no_args_is_help=True, help="Notifications: what failed and why, who wants what.")


@app.command("list")
@speaks
def show(
    status: Annotated[
        str, typer.Option(help="waiting, sent, failed, or dropped: nothing was left to tell of.")
    ] = "failed",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line.")] = False,
) -> None:
    """Show notifications, the last ones first, and why they failed."""
    if status not in get_args(Status):
        raise UsageError(f"{status} is no status; take one of {', '.join(get_args(Status))}.")
    with of_the_application("ocrm-notifications") as connection:
        rows = records.listed(connection, status, limit)
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False, default=str))
        return
    cells = [
        (
            row["notification_id"], plain.instant(row["closed_at"] or row["created_at"]),
            row["employee_id"], row["kind"], row["channel"], row["reminders"], row["attempts"],
            row["reason"],
        )
        for row in rows
    ]  # fmt: skip
    for line in plain.aligned(_HEAD, cells):
        typer.echo(line)
    if not rows:
        typer.echo(f"No notification is {status}.")


@app.command()
@speaks
def retry(
    notification_ids: Annotated[
        list[UUID] | None, typer.Argument(help="Those that failed; see the list.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that failed.")] = False,
) -> None:
    """Let failed notifications be tried anew, under the ids they have."""
    if every == bool(notification_ids):
        raise UsageError("Name the notifications to retry, or say --all.")
    with of_the_application("ocrm-notifications") as connection:
        number = records.retry(connection, None if every else notification_ids)
    if notification_ids and not number:
        raise UsageError(
            "None of these has failed; `ocrm notifications list` shows those that have."
        )
    retried = plain.counted(number, "notification")
    typer.echo(f"{retried} will be tried again; what is no longer new is not sent.")


@app.command()
@speaks
def prefer(
    employee_id: Annotated[str, typer.Argument(help="Whose choice.")],
    enabled: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether to be notified at all.")
    ] = None,
    channel: Annotated[
        str | None, typer.Option(help="The channel of everybody where this one is not set up.")
    ] = None,
    language: Annotated[str | None, typer.Option(help="zh-CN or en.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As an object.")] = False,
) -> None:
    """Note how an employee wants to be notified, and show it."""
    with of_the_application("ocrm-notifications") as connection:
        holds = records.prefer(
            connection, employee_id, enabled=enabled,
            channel=_one_of(channel, get_args(ChannelName)),
            language=_one_of(language, get_args(Language)),
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps(holds, ensure_ascii=False))
        return
    for line in plain.aligned(list(holds), [list(holds.values())]):
        typer.echo(line)


def _one_of(given: str | None, known: tuple[T, ...]) -> T | None:
    found = next((one for one in known if one == given), None)
    if given is not None and found is None:
        raise UsageError(f"{given} cannot be chosen; take one of {', '.join(known)}.")
    return found
