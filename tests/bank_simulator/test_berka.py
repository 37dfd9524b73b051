"""The facts of the real Berka files come out of the landing files that the import writes."""

import os
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from bank_simulator.sources.berka import BerkaImport, import_berka
from crm_shared.business_calendar import days
from crm_shared.landing import TABLES, day_folder, read_manifest, sha256_of

REAL_DATA = Path(os.environ.get("CRM_REAL_DATA") or Path(__file__).parents[3] / "shared/data")
BERKA = REAL_DATA / "berka"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not BERKA.is_dir(), reason=f"the real Berka files are not in {BERKA}; set CRM_REAL_DATA"
    ),
]

LEDGER = list(days(date(1993, 1, 1), date(1994, 3, 31)))
STATE_DAY = date(1998, 12, 31)

Row = tuple[object, ...]
Ask = Callable[..., list[Row]]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BerkaImport]:
    out = tmp_path_factory.mktemp("berka") / "out"
    return out, import_berka(BERKA, out)


@pytest.fixture(scope="module")
def landing(imported: tuple[Path, BerkaImport]) -> Path:
    return imported[0]


@pytest.fixture(scope="module")
def ask(landing: Path) -> Iterator[Ask]:
    """Answers SQL over the state that stands on a day and over all bookings."""
    with duckdb.connect() as db:
        for name in ("transactions", "gl_totals"):
            db.execute(
                f"CREATE VIEW {name} AS SELECT * FROM read_parquet("
                f"'{landing}/business_date=*/{name}.parquet', hive_partitioning=true)"
            )

        def on(sql: str, day: date = STATE_DAY) -> list[Row]:
            for name in read_manifest(landing, day).tables.keys() - {"transactions", "gl_totals"}:
                db.execute(f"CREATE OR REPLACE VIEW {name} AS {_state(landing, name, day)}")
            return db.execute(sql).fetchall()

        yield on


def _state(landing: Path, name: str, day: date) -> str:
    """The latest row per key since the last full delivery, as the contract defines state."""
    paths: list[str] = []
    for delivered in reversed([known for known in (*LEDGER, STATE_DAY) if known <= day]):
        file = read_manifest(landing, delivered).tables[name]
        paths.append(str(day_folder(landing, delivered) / file.file))
        if file.full:
            break
    key = ", ".join(TABLES[name].key)
    return (
        f"SELECT * EXCLUDE filename FROM read_parquet({paths}, filename=true)"
        f" QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY filename DESC) = 1"
    )


def _rows(sql: str) -> list[Row]:
    with duckdb.connect() as db:
        return db.execute(sql).fetchall()


def test_every_calendar_day_of_the_ledger_and_the_state_day_are_delivered(landing: Path) -> None:
    folders = sorted(path.name for path in landing.iterdir())
    assert folders == [day_folder(landing, day).name for day in (*LEDGER, STATE_DAY)]


def test_every_file_is_in_its_manifest_with_rows_and_checksum(landing: Path) -> None:
    for day in (*LEDGER, STATE_DAY):
        listed = read_manifest(landing, day).tables.values()
        folder = day_folder(landing, day)
        assert {path.name for path in folder.iterdir()} == {
            "_manifest.json",
            *(file.file for file in listed),
        }
        for file in listed:
            assert sha256_of(folder / file.file) == file.sha256
            assert pq.read_metadata(folder / file.file).num_rows == file.rows


@pytest.mark.parametrize(
    "name",
    [
        "org_units", "customers", "deposit_accounts", "account_users", "standing_orders", "loans",
        "credit_cards", "transactions", "gl_totals", "balances",
    ],
)  # fmt: skip
def test_every_file_keeps_the_contract(landing: Path, name: str) -> None:
    paths = sorted(landing.glob(f"*/{name}.parquet"))
    first = pq.read_schema(paths[0])
    assert all(pq.read_schema(path).equals(first) for path in paths)
    last = f"read_parquet('{paths[-1]}', hive_partitioning=false)"
    described = _rows(f"DESCRIBE FROM {last}")
    assert [row[:2] for row in described] == [(c.name, c.type) for c in TABLES[name].columns]
    broken = (
        [
            f"count(*) FILTER ({column.name} IS NULL)"
            for column in TABLES[name].columns
            if not column.nullable
        ]
        + [
            f"count(*) FILTER ({column.name} NOT IN {column.codes!r})"
            for column in TABLES[name].columns
            if column.codes
        ]
        + [
            f"count(*) FILTER ({column.name} NOT BETWEEN {' AND '.join(column.limits)})"
            for column in TABLES[name].columns
            if column.limits
        ]
    )
    files = f"read_parquet('{landing}/*/{name}.parquet')"
    assert set(_rows(f"SELECT {', '.join(broken)} FROM {files}")[0]) == {0}
    key = ", ".join(TABLES[name].key)
    assert _rows(f"SELECT {key} FROM {last} GROUP BY ALL HAVING count(*) > 1") == []


def test_there_are_the_branches_customers_and_accounts_of_the_bank(ask: Ask) -> None:
    assert ask("SELECT org_type, count(*) FROM org_units GROUP BY 1 ORDER BY 2") == [
        ("union", 1),
        ("legal_entity", 8),
        ("branch", 77),
    ]
    assert ask("SELECT count(*), count(name), count(phone) FROM customers") == [(5369, 0, 0)]
    assert ask("SELECT count(*) FROM deposit_accounts") == [(4500,)]


def test_loans_by_status_are_those_of_the_bank(ask: Ask) -> None:
    by_status = "SELECT status, five_tier, count(*), sum(amount) FROM loans GROUP BY 1, 2"
    assert ask(f"{by_status} ORDER BY 1, 2") == [
        ("running", "normal", 403, Decimal("69078372.00")),
        ("running", "substandard", 45, Decimal("11217804.00")),
        ("settled", "normal", 203, Decimal("18603216.00")),
        ("written_off", "substandard", 31, Decimal("4362348.00")),
    ]
    assert ask("SELECT count(*), sum(amount) FROM loans") == [(682, Decimal("103261740.00"))]


def test_409_owners_live_outside_the_district_of_their_branch(ask: Ask) -> None:
    assert ask(
        "SELECT count(*) FROM deposit_accounts JOIN customers USING (customer_id)"
        " JOIN org_units ON org_id = branch_id WHERE customers.region <> name_en"
    ) == [(409,)]


def test_standing_orders_sum_to_those_of_the_bank(ask: Ask) -> None:
    assert ask("SELECT count(*), sum(amount), count(*) - count(purpose) FROM standing_orders") == [
        (6471, Decimal("21228993.60"), 1379)
    ]


def test_credits_and_debits_of_the_ledger_are_those_of_the_file(ask: Ask) -> None:
    assert ask("SELECT direction, sum(amount) FROM transactions GROUP BY 1 ORDER BY 1") == [
        ("credit", Decimal("177366296.30")),
        ("debit", Decimal("138120153.50")),
    ]


def test_withdrawals_called_vyber_are_debits(ask: Ask) -> None:
    vyber = [
        line.split(";")[0]
        for line in (BERKA / "trans_prefix.asc").read_text().splitlines()
        if line.split(";")[3] == '"VYBER"'
    ]
    assert len(vyber) == 651
    assert ask(
        f"SELECT DISTINCT direction FROM transactions WHERE txn_id IN ({', '.join(vyber)})"
    ) == [("debit",)]


def test_deposits_at_the_end_of_1993_are_those_of_the_ledger(ask: Ask) -> None:
    day = date(1993, 12, 31)
    assert ask("SELECT count(*), sum(balance) FROM balances", day) == [
        (1139, Decimal("36575946.10"))
    ]
    assert ask("SELECT count(*) FROM deposit_accounts", day) == [(1139,)]


def test_authorised_users_do_not_count_an_account_twice(ask: Ask) -> None:
    assert ask("SELECT role, count(*) FROM account_users GROUP BY 1 ORDER BY 1") == [
        ("authorised", 869),
        ("holder", 4500),
    ]
    assert ask("SELECT count(DISTINCT customer_id), count(*) FROM transactions") == [(1229, 49102)]


@pytest.mark.parametrize("day", [date(1993, 1, 1), date(1993, 6, 17), date(1994, 3, 30)])
def test_balances_are_the_signed_sum_of_all_bookings(ask: Ask, day: date) -> None:
    signed = "CASE direction WHEN 'credit' THEN amount ELSE -amount END"
    wrong = (
        f"SELECT account_id FROM (SELECT account_id, sum({signed}) AS total FROM transactions"
        f" WHERE business_date <= '{day}' GROUP BY 1) FULL JOIN balances USING (account_id)"
        " WHERE total IS DISTINCT FROM balance"
    )
    assert ask(wrong, day) == []
    assert ask("SELECT count(*) FROM balances", day) != [(0,)]


def test_the_running_balance_of_the_file_meets_ours_on_every_whole_day(
    imported: tuple[Path, BerkaImport],
) -> None:
    _, summary = imported
    assert summary.period.cut_day == date(1994, 3, 31)
    assert summary.account_days == 38821
    assert summary.largest_gap <= Decimal("1.00")


def test_the_general_ledger_balances_the_deposits_of_every_day(ask: Ask) -> None:
    signed = "CASE direction WHEN 'credit' THEN amount ELSE -amount END"
    assert ask(
        "SELECT business_date, sum(amount) FROM ("
        f"SELECT business_date, {signed} AS amount FROM transactions"
        " UNION ALL SELECT business_date, credit - debit FROM gl_totals"
        ") GROUP BY 1 HAVING sum(amount) <> 0"
    ) == []  # fmt: skip
    assert ask("SELECT count(DISTINCT business_date) FROM gl_totals") == [(455,)]


def test_nothing_is_delivered_before_it_exists(ask: Ask) -> None:
    day = date(1994, 3, 30)
    for table, began in (
        ("deposit_accounts", "opened_on"), ("loans", "granted_on"), ("credit_cards", "issued_on"),
    ):  # fmt: skip
        assert ask(f"SELECT max({began}) <= '{day}' FROM {table}", day) == [(True,)]


def test_leaving_the_cut_day_out_leaves_whole_days_alone(tmp_path: Path) -> None:
    summary = import_berka(BERKA, tmp_path / "out", until=date(1994, 3, 30))
    assert summary.days == 455
    assert summary.period.cut_day is None
    assert summary.credits == Decimal("176961254.80")
    assert summary.debits == Decimal("137664492.00")
