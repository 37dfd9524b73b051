"""`ocrm notify` sends what employees are to be told."""

import signal
import threading
from typing import Annotated

import typer
from prometheus_client import start_http_server

from crm_shared.errors import NotReadyError, UsageError
from ocrm_api.commands import speaks
from ocrm_api.notifications.notifier import Notifier, Turned
from ocrm_api.settings import NotifySettings, Settings

app = typer.Typer()


@app.command()
@speaks
def notify(
    once: Annotated[bool, typer.Option("--once", help="Send what is due, then end.")] = False,
    regardless: Annotated[
        bool,
        typer.Option(
            "--now", help="With --once: whatever the hour, and a digest of all there is so far."
        ),
    ] = False,
) -> None:
    """Notify employees of their reminders, until SIGTERM or Ctrl-C."""
    if regardless and not once:
        raise UsageError("--now goes with --once alone; without it the schedule is kept.")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    given = NotifySettings.load()
    notifier = Notifier(Settings.load(), given, stop)
    try:
        if once:
            typer.echo(_said(notifier.once(regardless=regardless)))
        else:
            _serve_metrics(notifier, given)
            notifier.run()
    finally:
        notifier.close()


def _said(done: Turned) -> str:
    if done.quiet:
        return "Nothing is sent in quiet hours; `ocrm notify --once --now` sends all the same."
    tried = [f"{number} {outcome}" for outcome, number in sorted(done.outcomes.items())]
    return f"Notifications: {done.made} made, {', '.join(tried) or 'none tried'}."


def _serve_metrics(notifier: Notifier, given: NotifySettings) -> None:
    host, port = given.operations_host, given.operations_port
    try:
        start_http_server(port, host, notifier.metrics.registry)
    except OSError as error:
        raise NotReadyError(
            f"Port {port} on {host} cannot be listened on ({error.strerror}); stop the other"
            " process or set OCRM_NOTIFY_OPERATIONS_PORT and OCRM_NOTIFY_OPERATIONS_HOST."
        ) from error
