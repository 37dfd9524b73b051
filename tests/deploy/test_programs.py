"""The demo's services: who is killed begins anew, who ends by himself is told."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crm_shared.errors import CrmError
from deploy.demo.programs import Programs


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    found = Programs({}, tmp_path)
    yield found
    found.stop()


def _eventually(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_service_that_was_killed_begins_anew_and_its_log_goes_on(
    programs: Programs, tmp_path: Path
) -> None:
    says_who_it_is = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
    log = tmp_path / "service.log"
    programs.start("service", "python", "-c", says_who_it_is)
    _eventually(lambda: log.read_text().endswith("\n"))
    assert programs.revive() == []
    os.kill(int(log.read_text()), signal.SIGKILL)
    _eventually(lambda: programs.revive() == ["service"])
    _eventually(lambda: log.read_text().count("\n") == 2)
    programs.check()


def test_a_service_that_ends_by_itself_is_told_with_its_last_lines(programs: Programs) -> None:
    programs.start("service", "python", "-c", "raise SystemExit('no such table')")

    def told() -> bool:
        assert programs.revive() == []
        try:
            programs.check()
        except CrmError as error:
            return "no such table" in error.sentence
        return False

    _eventually(told)
