"""What is wrong with a Berka folder is told in one sentence, and nothing is written."""

from datetime import date
from pathlib import Path

import pytest

from bank_simulator.sources.berka import import_berka
from crm_shared.errors import ContractError, UsageError
from tests.bank_simulator.test_berka_small import SMALL, write_small


def _with_line(file: str, line: str, number: int = 2) -> dict[str, list[str]]:
    """The rows of a file with another one in this line."""
    rows = list(SMALL[f"{file}.asc"])
    rows[number - 1] = line
    return {file: rows}


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"nowhere is not a folder; .*PKDD'99"):
        import_berka(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    source = write_small(tmp_path / "source")
    (source / name).unlink()
    with pytest.raises(UsageError, match=rf"{name} is missing; .*PKDD'99"):
        import_berka(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        (_with_line("loan", "loan_id;account", 1), "loan.asc has the header loan_id;account, but"),
        ({"loan": []}, r"loan.asc has the header \(none\), but"),
        (
            _with_line("account", '2;70;"POPLATEK MESICNE";930231', 3),
            "account.asc line 3: date is '930231', which is not a date YYMMDD;",
        ),
        (
            _with_line("client", '1;"701332";1'),
            "client.asc line 2: birth_number is '701332', which is not a date YYMMDD",
        ),
        (
            _with_line("card", '21;11;"gold";93-02-28'),
            "card.asc line 2: issued is '93-02-28', which is not a date YYMMDD 00:00:00;",
        ),
        (
            _with_line("trans_prefix", '3;1;930131;"PRIJEM";"";1,50;901.50;"UROK";;', 4),
            "trans_prefix.asc line 4: amount is '1,50', which is not an amount",
        ),
        (
            _with_line("trans_prefix", '3;1;930131;"PRIJEM";"";1.505;901.50;"UROK";;', 4),
            "trans_prefix.asc line 4: amount is '1.505', which is not an amount",
        ),
        (
            _with_line("trans_prefix", '3;1;930131;"VKLAD";"";1.50;901.50;"UROK";;', 4),
            "trans_prefix.asc line 4: type is 'VKLAD', which is not one of PRIJEM, VYDAJ, VYBER;",
        ),
        (
            _with_line("trans_prefix", '3;9;930131;"PRIJEM";"";1.50;901.50;"UROK";;', 4),
            "trans_prefix.asc line 4: account_id is '9', which is not in account.asc",
        ),
        (
            _with_line("trans_prefix", '2;1;930131;"PRIJEM";"";1.50;901.50;"UROK";;', 4),
            "trans_prefix.asc line 3: trans_id is '2', which is not unique;",
        ),
        (
            _with_line("disp", '12;2;1;"OWNER"', 3),
            "disp.asc line 2: account_id is '1', which is not an account with a single OWNER;",
        ),
        (
            _with_line("disp", '13;3;2;"DISPONENT"', 4),
            "account.asc line 3: account_id is '2', which is not an account_id of an OWNER",
        ),
        (_with_line("order", "41;1;YZ", 2), "order.asc line 2 cannot be read as 6 fields"),
        (
            _with_line("district", '70;"Karvina;"north Moravia', 4),
            "district.asc line 4 cannot be read as 16 fields",
        ),
        (
            _with_line("district", '"open', 4),
            "district.asc has 3 lines after its header, but 2 rows can be read, so a quote is not",
        ),
        (_with_line("loan", "", 2), "loan.asc has 2 lines after its header, but 1 rows can"),
        (
            {"trans_prefix": SMALL["trans_prefix.asc"][:1]},
            "trans_prefix.asc has no bookings; take the file",
        ),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_line(
    tmp_path: Path, changed: dict[str, list[str]], sentence: str
) -> None:
    source = write_small(tmp_path / "source", **changed)
    with pytest.raises(ContractError, match=f"^{sentence}"):
        import_berka(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    source = write_small(tmp_path / "source")
    (source / "client.asc").write_bytes((source / "client.asc").read_bytes() + b'4;"\xff\xfe";1\n')
    with pytest.raises(ContractError, match=r"^client.asc( line 5)? cannot be read as 3 fields"):
        import_berka(source, tmp_path / "out")


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(UsageError, match="is not empty"):
        import_berka(write_small(tmp_path / "source"), tmp_path)
    assert (tmp_path / "mine").read_text() == "keep"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UsageError, match=r"file/out cannot be written \(Not a directory\)"):
        import_berka(write_small(tmp_path / "source"), tmp_path / "file" / "out")


@pytest.mark.usefixtures("permissions_hold")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(UsageError, match=r"out cannot be written \(Permission denied\)"):
        import_berka(write_small(tmp_path / "source"), tmp_path / "out")


@pytest.mark.parametrize("until", [date(1993, 1, 29), date(1993, 2, 5)])
def test_a_day_outside_the_ledger_is_refused(tmp_path: Path, until: date) -> None:
    source = write_small(tmp_path / "source")
    with pytest.raises(UsageError, match=f"has no {until}; choose .* 1993-01-30 to 1993-02-04"):
        import_berka(source, tmp_path / "out", until=until)


def test_a_class_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    source = write_small(tmp_path / "source")
    with pytest.raises(UsageError, match="'bad' is not one of the classes normal, "):
        import_berka(source, tmp_path / "out", in_debt_tier="bad")
