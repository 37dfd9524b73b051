"""Whatever happens to the process or its disk: nothing half-published, and the next run heals."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest

from acrm_batch import snapshot
from acrm_batch.prune import prune
from crm_shared.business_calendar import days
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch, Start, batch_over, small
from tests.acrm_batch.processes import BACKFILL_DAYS, KILLED, finish, start
from tests.acrm_batch.test_run import checksums
from tests.databases import PostgresDatabase

pytestmark = [pytest.mark.faults, pytest.mark.slow]

_PLAIN = "import sys\nfrom acrm_batch.cli import app\napp(sys.argv[1:])"

_NIGHT = ("run", "--date", str(SECOND), "--no-events")

#: Where a run dies: while delivered rows are looked at; before the days are recorded; after a
#: partition was renamed and before its row, thrice; between the filled and the attached partitions
#: of PostgreSQL; while the snapshot is written; after the commit and before the snapshot is in
#: place; between the file and the pointer.
POINTS = (
    ("acceptance", "_check_rows", 3),
    ("ledger.Ledger", "record_accepted", 0),
    ("ledger.Ledger", "record_step", 0),
    ("ledger.Ledger", "record_step", 18),
    ("ledger.Ledger", "record_step", 40),
    ("snapshot", "_describe", 0),
    ("publish", "_swap", 3),
    ("snapshot", "install", 0),
    ("snapshot", "_point", 0),
)


def published(crm: Batch) -> list[tuple[object, ...]]:
    """What readers see of every date: rows and a checksum per table."""
    tables = ("coverage", "customer_indicators", "customer_tags", "due_reminders", "customers")
    return crm.query(
        " union all ".join(
            f"select '{table}', business_date, count(*), md5(string_agg(t::text, '|' order by"
            f" customer_id, t::text)) from acrm.{table} t group by business_date"
            for table in tables if table != "customers"
        )
        + " order by 1, 2"
    )  # fmt: skip


def snapshots(crm: Batch) -> list[object]:
    """What the snapshots hold, and which one is named."""
    root = crm.settings.warehouse_dir
    return [snapshot.current(root)] + [
        snapshot.meta_of(snapshot.file_of(root, day)) for day in snapshot.dates(root)
    ]


def made_anew(crm: Batch, *arguments: str) -> None:
    """Make everything again, trusting nothing of what the warehouse holds."""
    with psycopg.connect(crm.database.acrm_owner) as connection:
        connection.execute("delete from acrm.partitions")
    assert finish(start(crm, _PLAIN, *arguments)) == (0, "")


def test_a_run_killed_anywhere_leaves_nothing_half_and_heals(bank: Bank, crm: Batch) -> None:
    small(bank)
    for owner, name, skip in POINTS:
        code = KILLED.format(owner=owner, name=name, skip=skip)
        assert finish(start(crm, code, *_NIGHT))[0] == -SIGKILL, name
        committed = crm.query("select business_date from acrm.publications")
        assert len(crm.query("select 1 from acrm.coverage limit 1")) == len(committed), name
        assert committed or snapshot.current(crm.settings.warehouse_dir) is None, name
    assert finish(start(crm, _PLAIN, *_NIGHT)) == (0, "")
    assert not list((crm.settings.warehouse_dir / ".aside").rglob("*.*"))
    healed = (checksums(crm), snapshots(crm), published(crm))
    assert healed[1][0] is not None
    assert crm.query("select business_date from acrm.publications") == [(SECOND,)]
    assert "died" in {row[0] for row in crm.query("select outcome from acrm.runs")}
    made_anew(crm, *_NIGHT)
    assert (checksums(crm), snapshots(crm), published(crm)) == healed


def test_a_remake_that_dies_is_not_taken_for_what_it_replaced(
    made: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A parameter is changed, the run dies when the new file is in place, it is set back."""
    crm = made.crm
    before = checksums(crm)
    withdrawn = tmp_path / "params.yml"
    withdrawn.write_text("- {code: due.loan_days, values: [{value: 50}]}\n")
    with monkeypatch.context() as patch:
        patch.setenv("ACRM_PARAMETERS", str(withdrawn))
        killed = KILLED.format(owner="ledger.Ledger", name="record_step", skip=0)
        command = ("run", "--date", str(SECOND), "--select", "int_due_days")
        assert finish(start(crm, killed, *command))[0] == -SIGKILL
    assert checksums(crm) != before
    crm.run(SECOND)
    assert checksums(crm) == before


def test_of_two_runs_at_once_one_waits_for_its_turn(bank: Bank, crm: Batch) -> None:
    small(bank)
    both = [start(crm, _PLAIN, *_NIGHT) for _ in range(2)]
    ended = sorted(finish(process) for process in both)
    assert ended[0] == (0, "")
    assert ended[1][0] in (0, 75)
    assert crm.query("select business_date from acrm.publications") == [(SECOND,)]


def test_two_dates_at_once_beside_a_prune_equal_one_after_the_other(made: Start) -> None:
    """The dates share the month end, the days to accept, and the tables that readers see. The later
    one is run again, because it is compared with what the earlier one had made by then."""
    bank, crm = made.bank, made.crm
    dates = (date(2026, 1, 31), date(2026, 2, 1))
    bank.deliver(dates[-1], since=THIRD + timedelta(days=1))
    running = [start(crm, _PLAIN, "run", "--date", str(day), "--no-events") for day in dates]
    removed = 0
    while any(process.poll() is None for process in running):
        removed += prune(crm.settings, 3, 400).partitions
        time.sleep(0.3)
    assert [finish(process) for process in running] == [(0, ""), (0, "")]
    removed += prune(crm.settings, 3, 400).partitions
    assert removed > 0
    crm.run(dates[-1], publishes=True)
    at_once = (_of(crm, dates), snapshots(crm), published(crm))
    with psycopg.connect(crm.database.acrm_owner) as connection:
        connection.execute("delete from acrm.partitions")
    for day in dates:
        crm.run(day, publishes=True)
    assert (_of(crm, dates), snapshots(crm), published(crm)) == at_once


def _of(crm: Batch, dates: Sequence[date]) -> dict[str, bytes]:
    """The partitions of dates."""
    folders = {f"as_of={day}" for day in dates}
    return {path: file for path, file in checksums(crm).items() if Path(path).parts[1] in folders}


def test_what_a_killed_prune_leaves_is_made_again_or_pruned_later(made: Start) -> None:
    crm = made.crm
    before = checksums(crm)
    code = KILLED.format(owner="prune", name="_remove", skip=1)
    assert finish(start(crm, code, "prune", "--keep-days", "2"))[0] == -SIGKILL
    assert len(before.keys() - checksums(crm).keys()) == 1
    assert _partitions(crm) < len(checksums(crm))
    crm.run(FIRST)
    assert checksums(crm) == before
    assert _partitions(crm) == len(before)
    assert finish(start(crm, code, "prune", "--keep-days", "2"))[0] == -SIGKILL
    prune(crm.settings, 2, 400)
    assert _partitions(crm) == len(checksums(crm))


def test_a_file_that_cannot_grow_is_one_sentence(bank: Bank, crm: Batch) -> None:
    """With little room a model fails, with more the snapshot; neither publishes anything."""
    small(bank)
    for room, named in (
        (3_000, r"Model \w+ of 2026-01-02"), (300_000, "The snapshot of 2026-01-02"),
    ):  # fmt: skip
        code, said = finish(start(crm, _PLAIN, *_NIGHT, file_limit=room))
        assert (code, said.count("\n")) == (1, 1), said
        assert re.match(named, said) and "room" in said, said
        assert crm.query("select 1 from acrm.publications") == []
    heals(crm)


def test_a_disk_that_is_full_is_one_sentence(bank: Bank, crm: Batch, small_disk: Path) -> None:
    small(bank)
    crm.settings.warehouse_dir = small_disk
    code, said = finish(start(crm, _PLAIN, *_NIGHT))
    assert (code, said.count("\n")) == (1, 1), said
    assert re.match(r"Model \w+ of 2026-01-02|The partition of \w+", said) and "room" in said, said
    assert f"0 MB are free in {small_disk}/.aside" in said, said
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    heals(crm)


def heals(crm: Batch) -> None:
    """Nothing is published; there is room again, and the next run publishes."""
    assert crm.query("select 1 from acrm.publications") == []
    assert snapshot.current(crm.settings.warehouse_dir) is None
    assert finish(start(crm, _PLAIN, *_NIGHT)) == (0, "")
    assert snapshot.current(crm.settings.warehouse_dir) is not None


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with room for some of a night's partitions."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("A small disk can be mounted by root alone.")
    command = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"A small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_backfill_killed_three_times_equals_a_clean_one(
    bank: Bank, crm: Batch, module_database: PostgresDatabase, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    bank.first = FIRST
    small(bank)
    last = FIRST + timedelta(days=BACKFILL_DAYS - 1)
    for number, day in enumerate(days(SECOND, last), 1):
        bank.move(11, day, number * 10)
    bank.deliver(last)
    arguments = ("backfill", "--from", str(FIRST), "--to", str(last))
    for part in (1, 2, 3):
        stop_at = _partitions(crm) + 10 * BACKFILL_DAYS * part
        process = start(crm, _PLAIN, *arguments)
        deadline = time.monotonic() + 120 + 30 * BACKFILL_DAYS
        while process.poll() is None and time.monotonic() < deadline:
            if _partitions(crm) >= stop_at:
                process.send_signal(SIGKILL)
                break
            time.sleep(0.01)
        assert finish(process)[0] == -SIGKILL, part
    assert finish(start(crm, _PLAIN, *arguments)) == (0, "")
    clean = batch_over(bank, module_database, tmp_path / "clean", monkeypatch)
    assert finish(start(clean, _PLAIN, *arguments)) == (0, "")
    assert checksums(crm) == checksums(clean)
    assert snapshots(crm) == snapshots(clean)
    assert published(crm) == published(clean)


def _partitions(crm: Batch) -> int:
    return int(crm.query("select count(*) from acrm.partitions")[0][0])
