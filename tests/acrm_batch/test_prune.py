"""Pruning takes old dates out of the warehouse and leaves what later dates are carried from."""

import os
from datetime import date

import psycopg

from acrm_batch.prune import Pruned, prune
from crm_shared import postgres
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch, Start

JANUARY, OLD, DAY = date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 3)


def test_old_dates_go_and_the_next_night_has_nothing_to_make_again(bank: Bank, crm: Batch) -> None:
    bank.customer(1, phone="13800000000")
    bank.account(11, 1, "A", 100)
    bank.deliver(DAY)
    for day in (JANUARY, OLD, DAY):
        crm.run(day)
    root = crm.settings.warehouse_dir
    pruned = prune(crm.settings, 2, 400)
    first_kept, removed = pruned.first_kept, pruned.partitions
    left = crm.query("select as_of, count(*) from acrm.partitions group by as_of order by as_of")
    assert first_kept == date(2026, 2, 2)
    # The first day of the history stands for every earlier day that balances are compared with, and
    # what organisations had is compared with the first date that is kept.
    assert [day for day, _ in left] == [FIRST, JANUARY, OLD, first_kept, DAY]
    assert removed > left[0][1]
    kept = {folder.parent.name for folder in root.glob("*/as_of=2026-01-01")}
    assert kept == {"ind_balances", "int_key_customers"}
    assert all(f.parent.name.endswith("_orgs") for f in root.glob("*/as_of=2026-02-01"))
    assert len(list(root.glob("*/as_of=*"))) == sum(count for _, count in left)
    assert not list(root.glob("pub_customers/as_of=2026-01-31"))
    assert {step.outcome for step in crm.run(DAY).steps} == {"skipped"}
    assert {step.outcome for step in crm.run(OLD).steps} == {"made", "skipped"}


def test_reports_snapshots_and_runs_go_with_their_dates(made: Start) -> None:
    crm = made.crm
    for day in (FIRST, SECOND, THIRD):
        crm.run(day, publishes=True)
    crm.query("update acrm.runs set finished_at = finished_at - interval '500 days' returning 1")
    crm.settings.keep_dates = crm.settings.keep_snapshots = 1
    removed = prune(crm.settings, 1, 400)
    assert (removed.published_dates, removed.snapshots, removed.reports) == (2, 2, 4)
    # Three made the dates and three published them; the last one is what readers see.
    assert removed.runs == 5
    assert crm.query("select business_date from acrm.runs") == [(THIRD,)]
    assert crm.query("select count(*) from acrm.steps s left join acrm.runs using (run_id)"
                     " where runs.run_id is null") == [(0,)]  # fmt: skip
    root = crm.settings.warehouse_dir
    assert len(list((root / "reports").iterdir())) == 2
    assert prune(crm.settings, 1, 400) == Pruned(THIRD)


def test_what_killed_processes_left_aside_goes_and_what_runs_keeps_its_own(crm: Batch) -> None:
    aside = crm.settings.warehouse_dir / ".aside"
    killed, running, looked, looking = (
        aside / name for name in ("2026-01-30", "2026-01-31", "acrm-old", "acrm-new")
    )
    for folder in (killed, running, looked, looking):
        folder.mkdir(parents=True)
        (folder / "part.parquet").write_bytes(b"personal data")
    os.utime(looked, (0, 0))
    (aside / "somebody else's").touch()
    url = crm.settings.database_url.get_secret_value()
    with psycopg.connect(url) as other, postgres.advisory_lock(other, f"acrm {running.name}"):
        assert prune(crm.settings, 2, 400) == Pruned(None, left_aside=2)
    left = {running.name, looking.name, "somebody else's"}
    assert {one.name for one in aside.iterdir()} == left
    # What ends of itself between the look and the removal is like a name that leads nowhere.
    for name in ("2026-01-29", "acrm-ended"):
        (aside / name).symlink_to(aside / "gone")
    assert prune(crm.settings, 2, 400).left_aside == 1
