"""What organisations have, compared with what they had on days that were run."""

import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from acrm_batch.catalogue import Catalogue
from acrm_batch.project import Project
from tests.acrm_batch.bank import Bank
from tests.acrm_batch.conftest import FIRST, Batch, Start, batch_over
from tests.databases import PostgresDatabase

DAY, YESTERDAY = date(2026, 2, 3), date(2026, 2, 2)
MONTH_START = date(2026, 1, 31)

STRUCTURE, SERVICES = "ind_structure_orgs_changes", "ind_services_orgs_changes"


@pytest.fixture(scope="module")
def ran(
    module_database: PostgresDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """4 comes to B; the manager of 1 at A gets 2, too; the only merchant leaves."""
    folder = tmp_path_factory.mktemp("changes")
    bank = Bank(folder / "landing", FIRST)
    bank.employee("E1")
    for customer, home in ((1, "A"), (2, "A"), (3, "C")):
        bank.customer(customer, home=home)
        bank.account(10 + customer, customer, home, 100)
    bank.manager(1, "A", "E1")
    merchant: dict[str, Any] = {
        "merchant_id": 1, "customer_id": 1, "account_id": 11, "branch_id": "A",
        "category": "shop", "signed_on": date(2025, 1, 1),
    }  # fmt: skip
    bank.add("merchants", **merchant)
    bank.add("merchants", YESTERDAY, **merchant | {"ended_on": YESTERDAY})
    newcomer = bank.rows["customers"][0][1] | {"customer_id": 4, "home_branch_id": "B"}
    bank.add("customers", date(2026, 2, 1), **newcomer | {"customer_since": date(2026, 2, 1)})
    bank.add("coverage_managers", YESTERDAY, customer_id=2, branch_id="A", manager_id="E1",
             assigned_on=YESTERDAY)  # fmt: skip
    bank.deliver(DAY)
    with pytest.MonkeyPatch.context() as patch:
        crm = batch_over(bank, module_database, folder, patch)
        for day in (MONTH_START, YESTERDAY, DAY):
            crm.run(day, selectors=(STRUCTURE, SERVICES))
        yield Start(bank, crm)


def changes(crm: Batch, columns: str, model: str = STRUCTURE, day: date = DAY) -> list[object]:
    """Columns of every organisation but managers, under its id; the union's is empty."""
    found = crm.rows(model, day, f"grain, org_id, {columns}", "org_id")
    return [row[1:] for row in found if row[0] != "manager"]


def test_a_figure_is_compared_with_that_of_the_day(ran: Start) -> None:
    assert changes(ran.crm, "cust_valid_cnt_chg_d, cust_valid_cnt_chg_m") == [
        ("", 0, 1),
        ("A", 0, 0),
        ("B", 0, 1),
        ("C", 0, 0),
        ("L1", 0, 1),
        ("L2", 0, 0),
    ]


def test_who_has_nothing_any_more_had_it_before(ran: Start) -> None:
    assert changes(ran.crm, "merchant_cnt_chg_m, merchant_cust_cnt_chg_m", SERVICES) == [
        ("", -1, -1),
        ("A", -1, -1),
        ("L1", -1, -1),
    ]


def test_a_ratio_is_compared_where_it_is_known_on_both_days(ran: Start) -> None:
    assert changes(ran.crm, "cust_coverage_rate_chg_m") == [
        # 2 of 4 now and 1 of 3 then; at L1 2 of 3 and 1 of 2.
        ("", Decimal("0.1667")),
        ("A", Decimal("0.5")),
        ("B", None),
        ("C", Decimal(0)),
        ("L1", Decimal("0.1667")),
        ("L2", Decimal(0)),
    ]


def test_what_a_manager_was_given_is_a_change(ran: Start) -> None:
    columns = "org_id, manager_id, cust_valid_cnt_chg_m, cust_coverage_rate_chg_m"
    given = ran.crm.rows(STRUCTURE, DAY, columns)
    assert {("A", "E1", 1, 0), ("A", "V:A", -1, None)} <= set(given)


def test_a_manager_who_has_nothing_any_more_is_published_with_the_change(ran: Start) -> None:
    ran.crm.run(DAY, selectors=("mart_managers",))
    columns = "branch_id, manager_id, cust_valid_cnt, cust_valid_cnt_chg_m"
    assert ("A", "V:A", 0, -1) in ran.crm.rows("mart_managers", DAY, columns)


def test_days_before_the_history_and_days_that_were_not_run_give_no_value(ran: Start) -> None:
    columns = "cust_valid_cnt_chg_y, cust_valid_cnt_chg_ly, cust_coverage_rate_chg_y"
    assert changes(ran.crm, columns)[0] == ("", None, None, None)
    assert changes(ran.crm, "cust_valid_cnt_chg_d", day=MONTH_START)[0] == ("", None)


def test_no_change_is_written_out_and_an_unknown_one_is_not(ran: Start) -> None:
    written = [one for one in Project.load().catalogue.indicators if one.column in (
        "cust_valid_cnt_chg_m", "cust_valid_cnt_chg_y")]  # fmt: skip
    catalogue = Catalogue(tuple(written), (), ())
    path = ran.crm.settings.warehouse_dir / STRUCTURE / f"as_of={DAY}" / "data.parquet"
    sql = catalogue.packed_sql(f"select * from '{path}' where org_id = 'A'", "branch", ["grain"])
    documents = dict(duckdb.execute(sql).fetchall())
    assert documents["branch"] == '{"CUST_VALID_CNT_CHG_M":0}'


def test_a_figure_that_the_day_did_not_have_yet_is_not_compared(ran: Start) -> None:
    root = ran.crm.settings.warehouse_dir
    older = root / "ind_structure_orgs" / f"as_of={MONTH_START}" / "data.parquet"
    kept, aside = older.read_bytes(), older.with_name("older.parquet")
    duckdb.execute(
        f"copy (select * exclude (cust_valid_cnt) from read_parquet('{older}',"
        f" hive_partitioning=false)) to '{aside}'"
    )
    aside.replace(older)
    (root / STRUCTURE / f"as_of={DAY}" / "data.parquet").unlink()
    ran.crm.run(DAY, selectors=(STRUCTURE,))
    assert changes(ran.crm, "cust_valid_cnt_chg_m, cust_assigned_cnt_chg_m")[1] == ("A", None, 1)
    older.write_bytes(kept)


def test_a_day_that_was_pruned_is_not_compared_with_until_it_has_run_again(ran: Start) -> None:
    crm, columns = ran.crm, "cust_valid_cnt_chg_d, cust_valid_cnt_chg_m"
    crm.query("delete from acrm.partitions where model = 'ind_structure_orgs' and as_of = %s"
              " returning 1", MONTH_START)  # fmt: skip
    shutil.rmtree(crm.settings.warehouse_dir / "ind_structure_orgs" / f"as_of={MONTH_START}")
    steps = crm.run(DAY, selectors=(STRUCTURE,)).steps
    assert {step.model for step in steps if step.outcome == "made"} == {STRUCTURE}
    assert changes(crm, columns)[:2] == [("", 0, None), ("A", 0, None)]
    for day in (MONTH_START, DAY):
        crm.run(day, selectors=(STRUCTURE,))
    assert changes(crm, columns)[:2] == [("", 0, 1), ("A", 0, 0)]


def test_a_corrected_day_is_compared_with_anew_when_it_has_run_again(ran: Start) -> None:
    bank, crm = ran.bank, ran.crm
    bank.add("coverage_managers", date(2026, 1, 20), customer_id=2, branch_id="A",
             manager_id="E1", assigned_on=date(2026, 1, 20))  # fmt: skip
    bank.deliver(MONTH_START, since=date(2026, 1, 20))
    crm.run(MONTH_START, selectors=(STRUCTURE, SERVICES))
    crm.run(DAY, selectors=(STRUCTURE, SERVICES))
    assert changes(crm, "cust_coverage_rate_chg_m")[1] == ("A", Decimal(0))
