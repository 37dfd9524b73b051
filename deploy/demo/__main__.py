"""`python -m deploy.demo`, which `make demo` runs."""

import fcntl
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psycopg
from rich.console import Console

from crm_shared.errors import CrmError, ExitCode, NotReadyError, UsageError
from deploy.demo.banks import GeneratedBank
from deploy.demo.berka import BerkaBank
from deploy.demo.memory import PeakMemory
from deploy.demo.options import DemoOptions
from deploy.demo.programs import Programs
from deploy.demo.report import Report
from deploy.demo.story import Story, free_port
from deploy.local.errors import LocalServerError
from deploy.local.servers import LocalServers, as_shell
from deploy.local.state import write_private

#: Reads the reminders as they are raised, in the shell of the demo.
_STREAM = (
    'curl -N -H "Authorization: Bearer $ALERTING_OPERATIONS_TOKEN"'
    " http://127.0.0.1:$ALERTING_OPERATIONS_PORT/v1/reminders/stream"
)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> int:
    """Tell the story; 0 when all is right, also once the open bank is closed by Ctrl-C; 1 when not
    or when something failed, 130 on Ctrl-C before that."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    console = Console()
    try:
        options = DemoOptions.from_environment()
        if options.skipped:
            console.print(options.skipped, highlight=False, soft_wrap=True)
            return ExitCode.NOT_READY if options.once else ExitCode.OK
        return _tell(options, console)
    except (CrmError, LocalServerError) as error:
        console.print(f"[bold red]The demo stopped:[/] {error}", highlight=False, soft_wrap=True)
        return error.exit_code if isinstance(error, CrmError) else ExitCode.FAILED
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return 130


@contextmanager
def _folder(options: DemoOptions) -> Iterator[None]:
    """The demo's folder, empty and ours alone."""
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        lock = (options.folder / "lock").open("w")
    except OSError as error:
        raise UsageError(
            f"{options.folder} cannot be used ({error.strerror}); give yourself the right to write "
            "there, or name another folder in CRM_DEMO_DIR."
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReadyError(
                f"Another demo is running in {options.folder}; stop it first (Ctrl-C there)."
            ) from None
        for folder in (options.landing, options.warehouse, options.logs):
            shutil.rmtree(folder, ignore_errors=True)
        options.logs.mkdir()
        yield


def _check_empty(url: str) -> None:
    """Refuse a database that somebody works in: the demo fills it with invented customers."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select count(*) from pg_tables where schemaname in ('ocrm', 'acrm', 'alerting')"
        ).fetchone()
    if row != (0,):
        raise UsageError(
            "The database of CRM_POSTGRES_URL already holds tables of the CRM, and the demo would "
            "mix invented customers into it; name an empty database, or unset CRM_POSTGRES_URL."
        )


def _tell(options: DemoOptions, console: Console) -> int:
    started = time.monotonic()
    with (
        _folder(options),
        LocalServers(options.folder / "servers", durable=False, report=console.print) as servers,
    ):
        environment = servers.environment() | {
            "CRM_LANDING_DIR": str(options.landing),
            "CRM_WAREHOUSE_DIR": str(options.warehouse),
            "CRM_KAFKA_TOPIC_PREFIX": f"demo-{secrets.token_hex(3)}.",
            "OCRM_DEMO": "1",
            "OCRM_SECURE_COOKIES": "0",
            "OCRM_REQUESTS_PER_MINUTE": "100000",
            "OCRM_NOTIFY_CHANNEL": "file",
            "OCRM_NOTIFY_FILE": str(options.notifications),
            "ALERTING_OPERATIONS_PORT": str(free_port()),
            "ALERTING_OPERATIONS_TOKEN": secrets.token_urlsafe(24),
        }
        _check_empty(environment["CRM_POSTGRES_URL"])
        write_private(options.variables, as_shell(environment))
        programs = Programs(environment, options.logs)
        try:
            bank = BerkaBank(options) if options.data == "berka" else GeneratedBank(options)
            pids = [one.pid for one in servers.status() if one.pid is not None]
            with PeakMemory(pids) as memory:
                report = Story(options, bank, environment, console).tell(programs)
            report.peak_gigabytes = memory.peak_gigabytes
            report.seconds["total"] = round(time.monotonic() - started, 1)
            report.write(options.report)
            _show(report, options, console)
            if options.once:
                return ExitCode.OK if report.right else ExitCode.FAILED
            console.print("[bold]The bank is open.[/] Ctrl-C stops everything.")
            _stay_open(programs, console)
            console.print("The bank is closed; nothing is left running.")
            return ExitCode.OK if report.right else ExitCode.FAILED
        finally:
            programs.stop()
            options.variables.unlink(missing_ok=True)


def _stay_open(programs: Programs, console: Console) -> None:
    """Until Ctrl-C; a service that is killed begins anew. `CrmError` where one ends by itself."""
    with suppress(KeyboardInterrupt):
        while True:
            for name in programs.revive():
                console.print(f"{name} was killed, and is started anew.")
            programs.check()
            time.sleep(1.0)


def _show(report: Report, options: DemoOptions, console: Console) -> None:
    console.print()
    report.print(console)
    console.print()
    report.print_where_to_look(console, is_open=not options.once)
    console.print(f"report        {options.report}", highlight=False, soft_wrap=True)
    console.print(f"logs          {options.logs}", highlight=False, soft_wrap=True)
    if not options.once:
        activate = Path(sys.executable).parent / "activate"
        console.print(
            f"shell         . {activate}; set -a; . {options.variables}; set +a",
            highlight=False,
            soft_wrap=True,
        )
        console.print(f"live stream   {_STREAM}", highlight=False, soft_wrap=True, markup=False)
    console.print()


if __name__ == "__main__":
    sys.exit(main())
