"""Airflow: a night of the batch, one run per business date.

The DAG calls the command `acrm` and adds nothing to it: every task can be run again, and does what
is not done. Settings (`ACRM_…`, `CRM_…`) come from the environment of the worker.

* The data interval of a run begins on its business date, in the bank's time zone: the run of
  30 June starts on 1 July at 01:30. The first one is that of `ACRM_FIRST_DATE`; `catchup` makes the
  days that a stopped scheduler missed.
* Exit code 75 (a day has not arrived, another run holds the date, a server is away) is waiting: the
  task is tried again. Code 3 (an audit blocked) and 2 (wrong use) fail at once: trying again would
  find the same.
"""

import os
import subprocess
from datetime import timedelta

import pendulum
from airflow.sdk import CronDataIntervalTimetable, dag, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

NOT_READY = 75
FAILS_AT_ONCE = {2, 3}

#: Days kept in the warehouse, which holds personal data in clear.
KEEP_DAYS = os.environ.get("ACRM_KEEP_DAYS", "40")

if "ACRM_FIRST_DATE" not in os.environ:
    raise AirflowException(
        "Set ACRM_FIRST_DATE for scheduler and workers: the first business date to be run, such as"
        " 2026-07-01. What lies before it is made by `acrm backfill`."
    )
FIRST_DATE = os.environ["ACRM_FIRST_DATE"]


def acrm(*arguments: str) -> None:
    """Call the batch; what it prints stands in the log of the task."""
    program = os.environ.get("ACRM_COMMAND", "acrm")
    done = subprocess.run([program, *arguments], check=False)
    if done.returncode in FAILS_AT_ONCE:
        raise AirflowFailException(f"acrm {arguments[0]} ended with {done.returncode}.")
    if done.returncode:
        waiting = " (not ready)" if done.returncode == NOT_READY else ""
        raise AirflowException(f"acrm {arguments[0]} ended with {done.returncode}{waiting}.")


@dag(
    dag_id="acrm_nightly",
    description="Landing files of a business date to indicators, tags, coverage and reminders",
    schedule=CronDataIntervalTimetable("30 1 * * *", timezone="Asia/Shanghai"),
    start_date=pendulum.parse(FIRST_DATE, tz="Asia/Shanghai"),
    catchup=True,
    max_active_runs=1,
    default_args={
        "retries": 24,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=6),
        "depends_on_past": True,
    },
    tags=["acrm"],
)
def acrm_nightly() -> None:
    """Wait for the day, run it, remove what is old."""

    @task
    def wait_inputs(business_date: str) -> None:
        acrm("wait-inputs", "--date", business_date, "--timeout", "240")

    @task
    def run(business_date: str) -> None:
        acrm("run", "--date", business_date)

    @task(retries=2, depends_on_past=False)
    def prune() -> None:
        acrm("prune", "--keep-days", KEEP_DAYS)

    business_date = "{{ data_interval_start.in_timezone('Asia/Shanghai') | ds }}"
    wait_inputs(business_date) >> run(business_date) >> prune()


acrm_nightly()
