"""Starting and stopping one server, whatever a crash or a stranger left behind."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress

from deploy.local import processes
from deploy.local.errors import (
    DiskFull,
    LocalServerError,
    PortTaken,
    ServerDoesNotAnswer,
    ServerFailedToStart,
)
from deploy.local.ports import free_port, is_free
from deploy.local.server import LocalServer
from deploy.local.state import Record, State

ATTEMPTS = 3
START_SECONDS = 60.0


def start(
    server: LocalServer,
    state: State,
    given: Mapping[str, str],
    report: Callable[[str], None],
) -> bool:
    """Start the server and wait until it answers; False when it runs already."""
    record = state.read(server.name)
    if record.process is not None and processes.is_running(record.process):
        # A process that dies while it is asked was going down already: it is started anew.
        with suppress(ServerFailedToStart):
            _wait_until_it_answers(server, record)
            return False
    for sentence in server.prepare(record):
        report(sentence)
    for attempt in range(1, ATTEMPTS + 1):
        record.port = _choose_port(server, record, given, report)
        record.process = processes.start(server.command(record.port), server.log, server.account)
        state.write(server.name, record)
        try:
            _wait_until_it_answers(server, record)
        except ServerFailedToStart:
            # Somebody may have taken the port just now, or old children may still be dying.
            if attempt == ATTEMPTS:
                raise
            time.sleep(0.5)
        else:
            return True
    return False


def stop(server: LocalServer, state: State) -> bool:
    """Stop the server; False when it did not run."""
    record = state.read(server.name)
    process, record.process = record.process, None
    was_running = process is not None and processes.is_running(process)
    if process is not None and was_running and not processes.stop(process, server.stop_steps):
        raise LocalServerError(
            f"{server.title} (process {process.pid}) does not stop: end it by hand."
        )
    if process is not None:
        state.write(server.name, record)
    return was_running


def url_if_running(server: LocalServer, state: State) -> str | None:
    """Where the server is found, or None while its process does not run."""
    record = state.read(server.name)
    if record.port is None or record.process is None or not processes.is_running(record.process):
        return None
    return server.url(record.port)


def _choose_port(
    server: LocalServer, record: Record, given: Mapping[str, str], report: Callable[[str], None]
) -> int:
    variable = f"CRM_LOCAL_{server.name.upper()}_PORT"
    wanted = given.get(variable)
    if wanted:
        if not wanted.isdecimal() or not 1 <= int(wanted) <= 65535:
            raise PortTaken(f"{variable} is {wanted!r}: give a port from 1 to 65535, or unset it.")
        if not is_free(int(wanted)):
            raise PortTaken(
                f"Port {wanted} for {server.title} is in use: stop what listens there, or change "
                f"{variable}."
            )
        return int(wanted)
    if record.port is None:
        return free_port()
    if is_free(record.port):
        return record.port
    port = free_port()
    report(f"Port {record.port} of {server.title} is taken by another program: using {port}.")
    return port


def _wait_until_it_answers(server: LocalServer, record: Record) -> None:
    assert record.port is not None and record.process is not None
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.version_at(server.url(record.port))
            return
        except ServerDoesNotAnswer as error:
            reason = str(error)
        if not processes.is_running(record.process):
            raise _failure(server)
        if time.monotonic() > deadline:
            raise ServerDoesNotAnswer(
                f"{server.title} (process {record.process.pid}) runs but does not answer "
                f"({reason}): read {server.log}, then make down and make up."
            )
        time.sleep(0.05)


def _failure(server: LocalServer) -> LocalServerError:
    lines = server.log.read_text(errors="replace").strip().splitlines()[-20:]
    if any("No space left on device" in line for line in lines):
        return DiskFull(f"{server.title} found its disk full: make room and start again.")
    telling = [line for line in lines if "FATAL" in line or "rror" in line] or lines or ["silence"]
    return ServerFailedToStart(
        f"{server.title} stopped while starting, last saying: {telling[-1].strip()} "
        f"(the rest is in {server.log})."
    )
