"""Does the DAG load in Airflow, and does it do what it says? Run by `make test-airflow`.

It runs with the Python of Airflow's own environment, so it uses nothing of ours.
"""

import os
import stat
import sys
import tempfile
from pathlib import Path

_HOME = tempfile.mkdtemp(prefix="tulou-airflow-")
os.environ |= {
    "ACRM_FIRST_DATE": "2026-06-29",
    "AIRFLOW_HOME": _HOME,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
}

import pendulum  # noqa: E402  Airflow reads the environment when it is imported
from airflow.dag_processing.dagbag import DagBag  # noqa: E402
from airflow.sdk.exceptions import AirflowException, AirflowFailException  # noqa: E402
from airflow.serialization.serialized_objects import DagSerialization  # noqa: E402

DAGS = Path(__file__).parent / "dags"


def check() -> None:
    """Load the DAG, look at its tasks and dates, and call its commands."""
    bag = DagBag(str(DAGS))
    assert not bag.import_errors, bag.import_errors
    dag = bag.dags["acrm_nightly"]
    assert dag.start_date == pendulum.datetime(2026, 6, 29, tz="Asia/Shanghai"), dag.start_date
    below = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    assert below == {"wait_inputs": {"run"}, "run": {"prune"}, "prune": set()}, below
    scheduled = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    night = pendulum.datetime(2026, 7, 1, 1, 30, tz="Asia/Shanghai")
    interval = scheduled.timetable.infer_manual_data_interval(run_after=night)
    business_date = interval.start.in_timezone("Asia/Shanghai").to_date_string()
    assert business_date == "2026-06-30", business_date
    acrm = sys.modules[dag.get_task("run").python_callable.__module__].acrm
    for code, expected in ((0, None), (1, AirflowException), (75, AirflowException),
                           (3, AirflowFailException), (2, AirflowFailException)):  # fmt: skip
        assert _ended(acrm, code) is expected, code
    print(f"acrm_nightly loads: {' >> '.join(below)}, business date of {night} is {business_date}")


def _ended(acrm: object, code: int) -> type[Exception] | None:
    """What a task raises where the batch ends with a code."""
    program = Path(_HOME) / "acrm"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    os.environ["ACRM_COMMAND"] = str(program)
    try:
        acrm("run", "--date", "2026-06-30")  # type: ignore[operator]
    except Exception as error:
        return type(error)
    return None


if __name__ == "__main__":
    check()
