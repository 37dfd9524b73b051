"""A source day that breaks the contract is named in one sentence, and nothing is recorded."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crm_shared.errors import ContractError, CrmError, ExitCode, NotReadyError
from crm_shared.landing import TABLES, day_folder
from tests.acrm_batch.bank import Bank, arrow_schema, noon, seal, write_day
from tests.acrm_batch.conftest import FIRST, Batch

DAY = date(2026, 1, 2)


@pytest.fixture
def delivered(bank: Bank) -> Bank:
    """Two days, with a movement on the second."""
    bank.customer(1)
    bank.account(11, 1, "A", 100)
    bank.move(11, DAY, 50)
    bank.deliver(DAY)
    return bank


def file_of(bank: Bank, table: str) -> Path:
    return day_folder(bank.landing, DAY) / f"{table}.parquet"


def rewrite(bank: Bank, table: str, change: Any) -> None:
    """Replace a file by a changed one, and its manifest with it."""
    path = file_of(bank, table)
    changed = change(pq.read_table(path, partitioning=None))
    pq.write_table(changed, path)
    seal(bank.landing, DAY, table, rows=changed.num_rows)


def refused(crm: Batch) -> CrmError:
    """The error of a run; the ledger must not know the days."""
    with pytest.raises(CrmError) as caught:
        crm.run(DAY)
    assert crm.query("select count(*) from acrm.accepted_days") == [(0,)]
    assert crm.query("select count(*) from acrm.partitions") == [(0,)]
    return caught.value


def test_a_missing_column_is_named(delivered: Bank, crm: Batch) -> None:
    rewrite(delivered, "transactions", lambda table: table.drop_columns(["amount"]))
    error = refused(crm)
    assert "transactions.parquet lacks the column amount" in error.sentence
    assert error.exit_code == ExitCode.FAILED


def test_an_extra_column_is_named(delivered: Bank, crm: Batch) -> None:
    rewrite(delivered, "transactions", lambda t: t.append_column("extra", pa.array([1])))
    assert "has the column extra, which the contract does not know" in refused(crm).sentence


def test_a_column_of_another_type_is_named(delivered: Bank, crm: Batch) -> None:
    def as_double(table: pa.Table) -> pa.Table:
        position = table.schema.get_field_index("amount")
        return table.set_column(position, "amount", pa.array([50.0]))

    rewrite(delivered, "transactions", as_double)
    assert "column amount is double, not DECIMAL(18,2)" in refused(crm).sentence


def test_a_wrong_checksum_is_named(delivered: Bank, crm: Batch) -> None:
    path = file_of(delivered, "transactions")
    path.write_bytes(path.read_bytes()[:-10])
    assert "does not have the checksum" in refused(crm).sentence


def test_a_corrupt_file_with_the_right_checksum_is_named(delivered: Bank, crm: Batch) -> None:
    file_of(delivered, "transactions").write_bytes(b"PAR1 this is no Parquet file")
    seal(delivered.landing, DAY, "transactions")
    error = refused(crm)
    assert "is not a Parquet file" in error.sentence
    assert isinstance(error, ContractError)


def test_a_file_of_the_manifest_that_is_not_there_is_named(delivered: Bank, crm: Batch) -> None:
    file_of(delivered, "transactions").unlink()
    assert "transactions.parquet of the manifest cannot be read" in refused(crm).sentence


def test_another_number_of_rows_is_named(delivered: Bank, crm: Batch) -> None:
    seal(delivered.landing, DAY, "transactions", rows=7)
    assert "has not the 7 rows" in refused(crm).sentence


@pytest.mark.parametrize(
    ("column", "value", "sentence"),
    [
        ("amount", None, "1 rows have no amount"),
        ("channel", "pigeon", "1 rows of column channel hold a code"),
        ("booked_at", noon(date(2026, 1, 3)), "1 rows of column booked_at are not of"),
    ],
)
def test_rows_that_break_the_contract_block(
    delivered: Bank, crm: Batch, column: str, value: object, sentence: str
) -> None:
    def put(table: pa.Table) -> pa.Table:
        rows = [row | {column: value} for row in table.to_pylist()]
        return pa.Table.from_pylist(rows, arrow_schema(TABLES["transactions"]))

    rewrite(delivered, "transactions", put)
    error = refused(crm)
    assert sentence in error.sentence
    assert "business_date=2026-01-02/transactions.parquet" in error.sentence
    assert error.exit_code == ExitCode.BLOCKED


def related(bank: Bank, other: int, **row: Any) -> None:
    """Customer 1 has a subsidiary."""
    bank.add("customer_relations", customer_id=1, related_customer_id=other,
             relation="subsidiary", effective_from=date(2020, 1, 1), **row)  # fmt: skip


@pytest.mark.parametrize(
    ("table", "changed", "limits"),
    [
        ("deposit_accounts", ("rate", Decimal("1.35")), "0 and 0.2"),
        ("deposit_accounts", ("rate", Decimal("-0.0001")), "0 and 0.2"),
        ("loans", ("rate", Decimal("3.85")), "0 and 0.5"),
        ("loans", ("days_overdue", -1), "0 and 36500"),
        ("loans", ("days_overdue", 20260101), "0 and 36500"),
        ("credit_cards", ("overdue_periods", -1), "0 and 1200"),
        ("credit_cards", ("overdue_periods", 1201), "0 and 1200"),
        ("customer_relations", ("share", Decimal("25")), "0 and 1"),
        ("customer_relations", ("share", Decimal("-0.000001")), "0 and 1"),
    ],
)
def test_rates_days_and_shares_that_cannot_be_block(
    bank: Bank, crm: Batch, table: str, changed: tuple[str, object], limits: str
) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 100)
    bank.loan(21, 1, "A")
    bank.card(31, 1, "A")
    related(bank, 1)
    column, value = changed
    bank.add(table, DAY, **bank.rows[table][0][1] | {column: value})
    bank.deliver(DAY)
    error = refused(crm)
    assert (
        f"/{table}.parquet: 1 rows of column {column} are not between {limits};" in error.sentence
    )
    assert error.exit_code == ExitCode.BLOCKED


def test_rates_days_and_shares_at_their_limits_are_accepted(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    for account, rate in ((11, "0"), (12, "0.2"), (13, None)):
        bank.account(account, 1, "A", 100, rate=rate and Decimal(rate))
    for loan, rate, overdue in ((21, "0", 0), (22, "0.5", 36500), (23, None, None)):
        bank.loan(loan, 1, "A", rate=rate and Decimal(rate), days_overdue=overdue)
    for number, (periods, share) in enumerate(((0, "0"), (1200, "1"), (None, None)), start=2):
        bank.card(30 + number, 1, "A", overdue_periods=periods)
        bank.customer(number)
        related(bank, number, share=share and Decimal(share))
    bank.deliver(DAY)
    crm.run(DAY, selectors=("chk_amounts",))
    assert crm.query("select count(*) from acrm.accepted_days") == [(2,)]


def test_repeated_keys_block(delivered: Bank, crm: Batch) -> None:
    rewrite(delivered, "transactions", lambda table: pa.concat_tables([table, table]))
    error = refused(crm)
    assert "1 rows repeat the key (txn_id)" in error.sentence
    assert error.exit_code == ExitCode.BLOCKED


def test_a_day_that_has_not_arrived_is_not_ready(delivered: Bank, crm: Batch) -> None:
    with pytest.raises(NotReadyError, match="2026-01-03 has not arrived"):
        crm.run(date(2026, 1, 3))


def test_a_missing_day_in_a_window_is_named(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 100)
    bank.deliver(FIRST)
    bank.deliver(date(2026, 1, 4), since=date(2026, 1, 3))
    with pytest.raises(NotReadyError, match="The extract of 2026-01-02 is missing"):
        crm.run(date(2026, 1, 4))


def test_a_table_that_a_manifest_leaves_out_is_named(delivered: Bank, crm: Batch) -> None:
    tables = dict(delivered.tables(DAY, full=False))
    del tables["transactions"]
    write_day(delivered.landing, DAY, tables)
    error = refused(crm)
    assert "2026-01-02 does not list the table transactions" in error.sentence
    assert error.exit_code == ExitCode.FAILED


def test_an_opening_day_starts_again_after_a_gap(bank: Bank, crm: Batch) -> None:
    bank.customer(1)
    bank.account(11, 1, "A", 100)
    bank.deliver(FIRST)
    later = date(2026, 3, 31)
    state = {name: rows for name, rows in bank.tables(FIRST, full=True) if name != "balances"}
    write_day(bank.landing, later, state, full=True, opening=True)
    crm.run(later)
    assert crm.rows("int_account_balances", later, "balance") == [Decimal(0)]
