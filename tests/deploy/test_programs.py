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


def _told(programs: Programs) -> str:
    """What is said of a service that is not started anew."""
    try:
        programs.check()
    except CrmError as error:
        return error.sentence
    return ""


def test_a_service_that_is_killed_again_and_again_is_told(programs: Programs) -> None:
    kills_itself = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    programs.start("service", "python", "-c", kills_itself)
    revived: list[str] = []

    def given_up() -> bool:
        revived.extend(programs.revive())
        return "killed (signal 9) after 3 starts within 60 s" in _told(programs)

    _eventually(given_up)
    assert (revived, programs.revive()) == (["service"] * 3, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_service_that_was_asked_to_end_is_not_started_anew(
    programs: Programs, number: signal.Signals
) -> None:
    dies = (
        f"import os, signal; signal.signal({number}, signal.SIG_DFL); signal.raise_signal({number})"
    )
    programs.start("service", "python", "-c", dies)
    _eventually(lambda: f"was killed (signal {number}), so the demo ends" in _told(programs))
    assert programs.revive() == []


def test_a_service_that_ends_by_itself_is_told_with_its_last_lines(programs: Programs) -> None:
    programs.start("service", "python", "-c", "raise SystemExit('no such table')")

    def told() -> bool:
        assert programs.revive() == []
        return "no such table" in _told(programs)

    _eventually(told)
