"""The command `alerting tail`: the live stream of reminders, for people and for scripts."""

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import aclosing
from typing import Annotated, Any

import typer

from alerting import settings, stream
from alerting.commands import AsJson
from alerting.rules import RULES
from alerting.settings import AlertingSettings
from crm_shared.errors import ServerUnavailableError, UsageError

app = typer.Typer()


@app.command()
def tail(
    rules: Annotated[
        list[str] | None, typer.Option("--rule", help="Only this rule; may be repeated.")
    ] = None,
    branches: Annotated[
        list[str] | None,
        typer.Option("--branch", help="Only what happened at this branch; may be repeated."),
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="Begin behind this position, the first word of a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Reminders raised and withdrawn as they are stored, until Ctrl-C; nothing of customers."""
    unknown = sorted(set(rules or ()) - RULES.keys())
    if unknown:
        raise UsageError(f"There is no rule {unknown[0]}; `alerting rules` names all.")
    wanted = stream.Wanted(frozenset(rules or ()), frozenset(branches or ()))
    try:
        asyncio.run(_print(settings.load(), wanted, after, as_json))
    except KeyboardInterrupt:
        return


async def _print(
    ours: AlertingSettings, wanted: stream.Wanted, after: str | None, as_json: bool
) -> None:
    position = after or ""
    async with aclosing(stream.events(ours, wanted, after, lambda: False)) as chunks:
        async for chunk in chunks:
            for name, position, told in _frames(chunk.decode()):
                if as_json:
                    print(json.dumps({"position": int(position), "event": name, **told}))
                else:
                    print(_line(name, position, told), flush=True)
            sys.stdout.flush()
    raise ServerUnavailableError(
        f"PostgreSQL stopped answering; `alerting tail --after {position}` goes on from here."
    )


def _frames(chunk: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, position and data of each event; comments are passed over."""
    for frame in chunk.split("\n\n"):
        said = dict(line.split(": ", 1) for line in frame.splitlines() if line[:1] != ":")
        if "event" in said:
            yield said["event"], said["id"], json.loads(said["data"])


def _line(name: str, position: str, told: dict[str, Any]) -> str:
    if name == "ready":
        return f"{position}  from here on; Ctrl-C ends it"
    if name == "reset":
        return f"{position}  from here on: what lies before is no longer kept, or never was"
    marks = "".join(f"  {mark}" for mark in ("late", "held") if told.get(mark))
    version = f"  version {told['rule_version']}" if told.get("rule_version") else ""
    return (
        f"{position}  {told['stored_at'][:19]}Z  {name.removeprefix('reminder.'):<9}  "
        f"{told['rule_code']:<24}  {told.get('branch_id') or '-':<8}  {told['reminder_id']}"
        f"  revision {told['revision']}{version}{marks}"
    )
