"""The command `alerting send-again`: after the topic of the reminders has lost what it had."""

from typing import Annotated

import typer

from alerting import audit, outbox, settings
from alerting.cli_letters import Why
from alerting.cli_rules import By, instant
from alerting.commands import connected
from crm_shared import plain

app = typer.Typer()

#: Millions of messages take minutes, part by part.
_LONGEST_SECONDS = 3_600

Since = Annotated[
    str,
    typer.Option("--since", metavar="INSTANT", help="2026-07-01T08:00+08:00: sent then or later."),
]


@app.command("send-again")
def send_again(since: Since, *, why: Why, by: By) -> None:
    """Send messages about reminders once more; whoever knows them already changes nothing."""
    begins = instant(since)
    with connected(settings.load(), seconds=_LONGEST_SECONDS) as connection:
        audit.record(
            connection, "outbox.sent_again", ("outbox", f"since {begins.isoformat()}"), by=by,
            purpose=audit.Purpose.OPERATIONS, details={"why": why},
        )  # fmt: skip
        number = outbox.send_again(connection, begins)
    sent = plain.counted(number, "message is", "messages are")
    print(f"{sent} sent once more; `alerting status` shows how many are left.")
