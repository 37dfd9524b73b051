"""Commands of the batch as processes of their own, which may be killed where they stand."""

import os
import resource
import subprocess
import sys

from tests.acrm_batch.conftest import DATA_KEY, Batch

#: How many days the backfill that is killed has; the acceptance of the product asks for 60.
BACKFILL_DAYS = int(os.environ.get("ACRM_TEST_BACKFILL_DAYS", "3"))

#: A run that kills itself where a function is entered; `{skip}` calls are let pass before.
KILLED = """
import os, signal, sys
from acrm_batch import acceptance, batch, ledger, prune, publish, snapshot
owner, name, skip = {owner}, {name!r}, {skip}
real = getattr(owner, name)
def dying(*arguments, **options):
    global skip
    if skip == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    skip -= 1
    return real(*arguments, **options)
setattr(owner, name, dying)
from acrm_batch.cli import app
app(sys.argv[1:])
"""


def environment(crm: Batch) -> dict[str, str]:
    """The variables by which a command finds the bank of the test."""
    return {
        "ACRM_DATABASE_URL": crm.database.acrm_owner,
        "CRM_LANDING_DIR": str(crm.settings.landing_dir),
        "CRM_WAREHOUSE_DIR": str(crm.settings.warehouse_dir),
        "CRM_DATA_KEY": DATA_KEY,
    }


def start(crm: Batch, code: str, *arguments: str, file_limit: int = 0) -> subprocess.Popen[str]:
    """A process that runs the command, with a limit to the size of its files."""

    def limit() -> None:
        if file_limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit))

    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=os.environ | environment(crm),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=limit,  # noqa: PLW1509  the tests start no threads of their own
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How it ended, and what it said on standard error."""
    _, errors = process.communicate(timeout=240 + 30 * BACKFILL_DAYS)
    return process.returncode, errors
