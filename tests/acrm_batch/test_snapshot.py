"""The snapshot of a date: what PostgreSQL says, switched after it, read and never written."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner, Result

from acrm_batch import snapshot
from acrm_batch.cli import app
from acrm_batch.drift import compare, stability_index
from acrm_batch.engines.duckdb import Engine
from acrm_batch.project import Project
from crm_shared.errors import CrmError, NotReadyError
from tests.acrm_batch.conftest import FIRST, SECOND, THIRD, Batch, Start
from tests.acrm_batch.processes import environment

DAY = SECOND


def publish(crm: Batch, day: date) -> Path:
    """Run and publish a date; its snapshot."""
    crm.run(day, publishes=True)
    return file(crm, day)


def file(crm: Batch, day: date = DAY) -> Path:
    """The snapshot of a date."""
    return snapshot.file_of(crm.settings.warehouse_dir, day)


def asked(path: Path, query: str) -> list[tuple[Any, ...]]:
    """What a snapshot answers."""
    with snapshot.attached(path) as connection:
        connection.execute("use snapshot")
        return connection.execute(query).fetchall()


def test_a_snapshot_says_what_is_published(published: Batch) -> None:
    path = file(published)
    assert asked(
        path, "select customer_id, lead_branch_id, dep_bal, coverage_rule from customers"
    ) == [(1, "A", Decimal("150.15"), "deposit"), (2, "C", 0, "loan")]
    assert asked(
        path, "select branch_id, role, dep_bal from customer_branches where customer_id = 1"
    ) == [("A", "lead", Decimal("100.10")), ("B", "assist", Decimal("50.05"))]
    counted = asked(path, "select path, customers from populations where customers > 0")
    assert sorted(counted) == published.query(
        "select t, count(*) from acrm.customer_tags, unnest(tags) t group by t order by t collate"
        ' "C"'
    )
    codes = asked(path, "select column_name from dictionary")
    columns = {row[0] for row in asked(path, "describe customers")}
    assert {name for (name,) in codes if str(name).startswith("tag_")} <= columns
    assert not {name for name in columns if name.startswith(("pot_", "strength_", "capped_"))}


def test_a_snapshot_knows_nobody_by_name(published: Batch) -> None:
    path = file(published)
    for table in ("customers", "customer_branches"):
        columns = {str(row[0]) for row in asked(path, f"describe {table}")}
        assert not columns & {"name", "phone", "document_no", "address", "legal_representative"}
    content = path.read_bytes()
    assert b"13800000000" not in content
    assert "张三".encode() not in content


def test_a_mart_that_names_people_is_refused(tmp_path: Path) -> None:
    engine = Engine(tmp_path, tmp_path / "aside", "200MB", 1)
    engine.connection.execute("attach ':memory:' as snapshot")
    for name in snapshot.SOURCES:
        engine.view(name, "select 1 as customer_id, 'x' as phone")
    with pytest.raises(CrmError, match="personal column phone"):
        snapshot.fill(engine, Project.load())
    engine.close()


def test_what_has_not_changed_is_not_written_again_and_else_is_made_good(made: Start) -> None:
    crm = made.crm
    path = publish(crm, DAY)
    pointer = path.parent / "current.json"
    before = (path.stat().st_ino, pointer.stat().st_ino, path.read_bytes())
    said, meta = pointer.read_text(), snapshot.meta_of(path)
    publish(crm, DAY)
    assert (path.stat().st_ino, pointer.stat().st_ino, path.read_bytes()) == before
    for lost in (pointer, path):
        lost.write_bytes(b"not what it was")
        publish(crm, DAY)
        assert (pointer.read_text(), snapshot.meta_of(path)) == (said, meta)


def test_a_correction_replaces_the_file_and_the_pointer_tells(made: Start) -> None:
    bank, crm = made.bank, made.crm
    path = publish(crm, DAY)
    before = snapshot.current(crm.settings.warehouse_dir)
    with snapshot.attached(path) as reader:
        bank.move(11, DAY, 1)
        bank.deliver(DAY, since=DAY)
        publish(crm, DAY)
        after = snapshot.current(crm.settings.warehouse_dir)
        balance = "select dep_bal from snapshot.customers where customer_id = 1"
        assert reader.execute(balance).fetchall() == [(Decimal("150.15"),)]
        with snapshot.attached(path) as anew:
            assert anew.execute(balance).fetchall() == [(Decimal("151.15"),)]
    assert before and after and before.content != after.content
    assert (after.business_date, after.file) == (DAY, path.name)


def test_the_pointer_stays_at_the_newest_and_old_snapshots_go(made: Start) -> None:
    crm = made.crm
    crm.settings.keep_snapshots = 2
    for day in (THIRD, FIRST, DAY):
        publish(crm, day)
    found = snapshot.current(crm.settings.warehouse_dir)
    assert found and found.business_date == THIRD
    assert snapshot.dates(crm.settings.warehouse_dir) == [DAY, THIRD]


def test_the_command_reads_and_does_nothing_else(
    published: Batch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment(published).items():
        monkeypatch.setenv(name, value)

    def sql(*arguments: str) -> Result:
        return CliRunner().invoke(app, ["sql", *arguments])

    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    counted = sql("select count(*) as n, count(*) as n from customers", "--json")
    assert json.loads(counted.stdout)["rows"] == [{"n": 2, "n_2": 2}]
    lines = sql("select customer_id, lead_branch_id from customers", "--csv").stdout.splitlines()
    assert lines == ["customer_id,lead_branch_id", "1,A", "2,C"]
    refused = (
        f"from read_csv('{secret}')",
        f"copy customers to '{tmp_path}/out.csv'",
        f"attach '{tmp_path}/new.duckdb'",
        "delete from customers",
        "create temp table mine as select 1",
        "set enable_external_access = true",
        "select 1; select 2",
        "no sentence at all",
        "",
    )
    for query in refused:
        answer = sql(query)
        assert (answer.exit_code, answer.stderr.count("\n")) == (2, 1), query
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]
    late = sql("select 1", "--date", "2026-01-09")
    assert (late.exit_code, "There is no snapshot of 2026-01-09" in late.stderr) == (75, True)


def test_nothing_published_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(NotReadyError, match="no snapshot of any published date"),
        snapshot.reading(tmp_path, None, "100MB", 1),
    ):
        pass


def test_drift_tells_what_moved(made: Start) -> None:
    bank, crm = made.bank, made.crm
    before = publish(crm, FIRST)
    bank.move(11, DAY, 900_000)
    bank.deliver(DAY, since=DAY)
    after = publish(crm, DAY)
    with snapshot.attached(after) as now, snapshot.attached(before) as then:
        found = {one.code: one for one in compare(now, then)}
    assert found["DEP_BAL"].mean == pytest.approx(450_075.075)
    assert found["DEP_BAL"].index > 0.25
    assert found["LOAN_BAL"].index == 0


def test_the_stability_index_of_equal_shares_is_nothing() -> None:
    shares = {None: 0.25, 0: 0.5, 7: 0.25}
    assert stability_index(shares, shares) == 0
    assert stability_index(shares, {0: 1.0}) > 0.25


def test_duckdb_shows_a_file_opened_earlier_to_a_second_connection(tmp_path: Path) -> None:
    """Why readers follow the pointer and attach anew; drop the advice when this fails."""
    path, other = tmp_path / "a.duckdb", tmp_path / "b.duckdb"
    for file, value in ((path, 1), (other, 2)):
        with duckdb.connect(str(file)) as connection:
            connection.execute(f"create table t as select {value} as x")
    with duckdb.connect(str(path), read_only=True) as first:
        assert first.execute("from t").fetchall() == [(1,)]
        other.replace(path)
        with duckdb.connect(str(path), read_only=True) as second:
            assert second.execute("from t").fetchall() == [(1,)]
        with snapshot.attached(path) as anew:
            assert anew.execute("from snapshot.t").fetchall() == [(2,)]
