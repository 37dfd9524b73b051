"""The commands behind make spark-up and spark-down: python -m deploy.spark up|down|address."""

import argparse
import os
import sys
from pathlib import Path

from deploy.local.errors import LocalServerError, NotRunning
from deploy.local.state import State
from deploy.spark import cluster

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Do what the command line says; the exit code of sysexits.h, 75 without Java or PySpark."""
    parser = argparse.ArgumentParser(prog="python -m deploy.spark", description=__doc__)
    parser.add_argument("action", choices=("up", "down", "address"))
    action = parser.parse_args().action
    local = Path(os.environ.get("CRM_LOCAL_DIR") or ROOT / ".local").absolute()
    folder = local / "spark-cluster"
    state = State(folder)
    try:
        with state.locked():
            print(_done(action, folder, state))
    except LocalServerError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _done(action: str, folder: Path, state: State) -> str:
    """Do it; what to print."""
    if action == "up":
        return f"Spark runs. Use it: export ACRM_SPARK_MASTER={cluster.up(folder, state)}"
    if action == "down":
        stopped = cluster.down(folder, state)
        return "Spark is stopped." if stopped else "Spark was not running."
    found = cluster.address(folder, state)
    if found is None:
        raise NotRunning("Spark does not run: start it with make spark-up.")
    return found


if __name__ == "__main__":
    sys.exit(main())
