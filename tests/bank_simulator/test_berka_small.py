"""The mapping of the Berka files, on a folder of a few rows that is written here."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from bank_simulator.sources.berka import import_berka
from crm_shared.landing import read_manifest

#: The rows of every file, each with the traps of the real ones.
SMALL = {
    "district.asc": [
        ";".join(f"A{n}" for n in range(1, 17)),
        '1;"Hl.m. Praha";"Prague";1204953;0;0;0;1;1;100.0;12541;0.29;0.43;167;85677;99107',
        '69;"Jesenik";"north Moravia";42821;4;13;5;1;3;48.4;8173;?;7.01;124;?;1358',
        '70;"Karvina";"north Moravia";285387;0;2;8;5;10;89.9;10177;6.63;7.75;81;9878;10108',
    ],
    "account.asc": [
        '"account_id";"district_id";"frequency";"date"',
        '1;69;"POPLATEK MESICNE";930130',
        '2;70;"POPLATEK PO OBRATU";930202',
    ],
    "client.asc": [
        '"client_id";"birth_number";"district_id"',
        '1;"706213";1',
        '2;"450204";69',
        '3;"045129";70',
    ],
    "disp.asc": [
        '"disp_id";"client_id";"account_id";"type"',
        '11;1;1;"OWNER"',
        '12;2;1;"DISPONENT"',
        '13;3;2;"OWNER"',
    ],
    "card.asc": ['"card_id";"disp_id";"type";"issued"', '21;11;"gold";930228 00:00:00'],
    "loan.asc": [
        '"loan_id";"account_id";"date";"amount";"duration";"payments";"status"',
        '31;1;930202;1200;12;100.00;"D"',
        '32;2;930315;2400;24;100.00;"B"',
    ],
    "order.asc": [
        '"order_id";"account_id";"bank_to";"account_to";"amount";"k_symbol"',
        '41;1;"YZ";"87144583";2452.00;"SIPO"',
        '42;2;"ST";"89597016";3372.70;" "',
    ],
    "trans_prefix.asc": [
        '"trans_id";"account_id";"date";"type";"operation";"amount";"balance";"k_symbol";"bank";'
        '"account"',
        '1;1;930130;"PRIJEM";"VKLAD";1000.00;1000.00;"";;',
        '2;1;930130;"VYBER";"VYBER";100.00;900.00;"";;',
        '3;1;930131;"PRIJEM";"";1.50;901.50;"UROK";;',
        '5;2;930202;"PRIJEM";"VKLAD";500.00;500.00;"";;',
        '4;1;930203;"VYDAJ";"PREVOD NA UCET";200.25;701.20;"SIPO";"YZ";"123"',
        '6;2;930203;"VYDAJ";"VYBER";50.00;450.00;"SIPO";;0',
        '7;2;930204;"VYDAJ";"VYBER KARTOU";600.00;-150.00;"";;0',
    ],
}

Query = Callable[[str], list[tuple[object, ...]]]


def write_small(folder: Path, **changed: list[str]) -> Path:
    """Write the small data set, with other rows for the files named (`loan=[...]`)."""
    folder.mkdir()
    for name, rows in SMALL.items():
        lines = changed.get(name.removesuffix(".asc"), rows)
        text = "".join(f"{line}\r\n" for line in lines)
        (folder / name).write_text(text, encoding="utf-8", newline="")
    return folder


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("berka")
    import_berka(write_small(base / "source"), base / "out")
    return base / "out"


@pytest.fixture(scope="module")
def query(landing: Path) -> Query:
    """Answers SQL in which `@table` stands for every delivered file of that table."""
    files = f"read_parquet('{landing}/business_date=*/\\1.parquet', hive_partitioning=true)"

    def ask(sql: str) -> list[tuple[object, ...]]:
        with duckdb.connect() as db:
            return db.execute(re.sub(r"@(\w+)", files, sql)).fetchall()

    return ask


def test_every_day_of_the_ledger_and_one_day_of_state_alone_are_delivered(landing: Path) -> None:
    assert sorted(path.name for path in landing.iterdir()) == [
        "business_date=1993-01-30",
        "business_date=1993-01-31",
        "business_date=1993-02-01",
        "business_date=1993-02-02",
        "business_date=1993-02-03",
        "business_date=1993-02-04",
        "business_date=1993-03-31",
    ]


def test_the_first_day_the_month_ends_and_the_state_day_are_full(landing: Path) -> None:
    full = [
        day
        for day in (date(1993, 1, 30), date(1993, 1, 31), date(1993, 2, 2), date(1993, 3, 31))
        if read_manifest(landing, day).tables["deposit_accounts"].full
    ]
    assert full == [date(1993, 1, 30), date(1993, 1, 31), date(1993, 3, 31)]


def test_the_state_day_says_nothing_about_the_ledger(landing: Path) -> None:
    tables = read_manifest(landing, date(1993, 3, 31)).tables
    assert not {"transactions", "gl_totals", "balances"} & tables.keys()
    assert tables["loans"].rows == 2


def test_regions_are_legal_entities_of_the_union_and_parents_of_branches(query: Query) -> None:
    sql = "SELECT org_id, parent_id, org_type, name_en, region FROM @org_units"
    assert query(f"{sql} WHERE business_date = '1993-01-30' ORDER BY org_id") == [
        ("BERKA", None, "union", "Berka (PKDD'99)", None),
        ("BERKA-D001", "BERKA-R1", "branch", "Hl.m. Praha", "Prague"),
        ("BERKA-D069", "BERKA-R2", "branch", "Jesenik", "north Moravia"),
        ("BERKA-D070", "BERKA-R2", "branch", "Karvina", "north Moravia"),
        ("BERKA-R1", "BERKA", "legal_entity", "Prague", "Prague"),
        ("BERKA-R2", "BERKA", "legal_entity", "north Moravia", "north Moravia"),
    ]


def test_a_customer_lives_elsewhere_than_at_the_branch_of_the_account(query: Query) -> None:
    columns = "customer_id, sex, birth_date, region, home_branch_id, customer_since, name, phone"
    sql = f"SELECT {columns} FROM @customers WHERE business_date = '1993-03-31' ORDER BY 1"
    opened = date(1993, 1, 30)
    assert query(sql) == [
        (1, "female", date(1970, 12, 13), "Hl.m. Praha", "BERKA-D069", opened, None, None),
        (2, "male", date(1945, 2, 4), "Jesenik", "BERKA-D069", opened, None, None),
        (3, "female", date(1904, 1, 29), "Karvina", "BERKA-D070", date(1993, 2, 2), None, None),
    ]


def test_an_account_has_one_holder_and_may_have_users(query: Query) -> None:
    accounts = "SELECT account_id, customer_id, branch_id, statement_frequency"
    assert query(
        f"{accounts} FROM @deposit_accounts WHERE business_date = '1993-03-31' ORDER BY 1"
    ) == [(1, 1, "BERKA-D069", "monthly"), (2, 3, "BERKA-D070", "after_transaction")]
    users = "SELECT account_id, customer_id, role FROM @account_users"
    assert query(f"{users} WHERE business_date = '1993-03-31' ORDER BY 1, 2") == [
        (1, 1, "holder"),
        (1, 2, "authorised"),
        (2, 3, "holder"),
    ]


def test_bookings_keep_day_direction_type_and_counterparty(query: Query) -> None:
    columns = (
        "txn_id, direction, amount, txn_type, channel, counterparty_bank, counterparty_account"
    )
    assert query(f"SELECT {columns} FROM @transactions ORDER BY 1") == [
        (1, "credit", Decimal("1000.00"), "cash_in", "counter", None, None),
        (2, "debit", Decimal("100.00"), "cash_out", "counter", None, None),
        (3, "credit", Decimal("1.50"), "interest", "system", None, None),
        (4, "debit", Decimal("200.25"), "household_payment", "unknown", "YZ", "123"),
        (5, "credit", Decimal("500.00"), "cash_in", "counter", None, None),
        (6, "debit", Decimal("50.00"), "household_payment", "counter", None, None),
        (7, "debit", Decimal("600.00"), "card_withdrawal", "unknown", None, None),
    ]
    assert query("SELECT booked_at::VARCHAR FROM @transactions WHERE txn_id = 4") == [
        ("1993-02-03 12:00:00",)
    ]


def test_balances_are_sums_of_the_accounts_that_moved_and_full_at_month_ends(query: Query) -> None:
    sql = "SELECT business_date, account_id, balance FROM @balances ORDER BY 1, 2"
    assert query(sql) == [
        (date(1993, 1, 30), 1, Decimal("900.00")),
        (date(1993, 1, 31), 1, Decimal("901.50")),
        (date(1993, 2, 2), 2, Decimal("500.00")),
        (date(1993, 2, 3), 1, Decimal("701.25")),
        (date(1993, 2, 3), 2, Decimal("450.00")),
        (date(1993, 2, 4), 2, Decimal("-150.00")),
    ]


def test_a_loan_appears_when_it_is_granted_with_its_last_status(query: Query) -> None:
    columns = "business_date, loan_id, amount, balance, matures_on, five_tier, status"
    debt = (31, Decimal("1200.00"), None, date(1994, 2, 2), "substandard", "running")
    lost = (32, Decimal("2400.00"), None, date(1995, 3, 15), "substandard", "written_off")
    assert query(f"SELECT {columns} FROM @loans ORDER BY 1, 2") == [
        (date(1993, 2, 2), *debt),
        (date(1993, 3, 31), *debt),
        (date(1993, 3, 31), *lost),
    ]


def test_the_class_of_loans_in_debt_is_a_parameter(tmp_path: Path) -> None:
    import_berka(write_small(tmp_path / "source"), tmp_path / "out", in_debt_tier="doubtful")
    path = tmp_path / "out" / "business_date=1993-03-31" / "loans.parquet"
    with duckdb.connect() as db:
        tiers = db.execute(f"SELECT DISTINCT five_tier FROM '{path}'").fetchall()
    assert tiers == [("doubtful",)]


def test_cards_are_payment_cards_and_a_blank_purpose_is_empty(query: Query) -> None:
    assert query("SELECT card_id, card_type, product, issued_on FROM @credit_cards") == [
        (21, "debit", "gold", date(1993, 2, 28))
    ]
    orders = "SELECT order_id, purpose FROM @standing_orders WHERE business_date = '1993-03-31'"
    assert query(f"{orders} ORDER BY 1") == [(41, "household_payment"), (42, None)]


def test_the_summary_says_on_which_day_the_prefix_breaks_off(tmp_path: Path) -> None:
    summary = import_berka(write_small(tmp_path / "source"), tmp_path / "out")
    assert summary.period.cut_day == date(1993, 2, 4)
    assert (summary.credits, summary.debits) == (Decimal("1501.50"), Decimal("950.25"))
    assert (summary.account_days, summary.largest_gap) == (5, Decimal("0.05"))


def test_a_whole_ledger_is_read_instead_of_the_prefix(tmp_path: Path) -> None:
    source = write_small(tmp_path / "source")
    (source / "trans_prefix.asc").rename(source / "trans.asc")
    summary = import_berka(source, tmp_path / "out")
    assert summary.period.cut_day is None
    assert summary.account_days == 6


def test_the_ledger_stops_where_it_is_told_to(tmp_path: Path) -> None:
    source = write_small(tmp_path / "source")
    summary = import_berka(source, tmp_path / "out", until=date(1993, 2, 2))
    assert summary.rows["transactions"] == 4
    assert summary.deposits == Decimal("1401.50")
    assert summary.period.cut_day is None
    assert not (tmp_path / "out" / "business_date=1993-02-03").exists()
    assert read_manifest(tmp_path / "out", date(1993, 3, 31)).tables["loans"].rows == 2
