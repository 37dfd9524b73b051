"""The landing contract: the manifest of a day, and the shape of its tables."""

from datetime import date
from pathlib import Path

import pytest

from crm_shared import landing
from crm_shared.errors import ContractError, NotReadyError

DAY = date(2026, 6, 30)


def test_a_day_without_its_manifest_is_not_there_yet(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="has not arrived"):
        landing.read_manifest(tmp_path, DAY)


def test_a_manifest_comes_back_as_written(tmp_path: Path) -> None:
    folder = landing.day_folder(tmp_path, DAY)
    folder.mkdir()
    (folder / "loans.parquet").write_bytes(b"rows")
    checksum = landing.sha256_of(folder / "loans.parquet")
    file = landing.TableFile(file="loans.parquet", rows=1, sha256=checksum, full=True)
    manifest = landing.Manifest(business_date=DAY, source="test", tables={"loans": file})
    manifest.write(tmp_path)
    assert landing.read_manifest(tmp_path, DAY) == manifest


def test_a_manifest_of_another_day_is_refused(tmp_path: Path) -> None:
    landing.day_folder(tmp_path, DAY).mkdir()
    path = landing.Manifest(business_date=DAY, source="test", tables={}).write(tmp_path)
    other = landing.day_folder(tmp_path, date(2026, 7, 1))
    other.mkdir()
    path.rename(other / path.name)
    with pytest.raises(ContractError, match="speaks of 2026-06-30"):
        landing.read_manifest(tmp_path, date(2026, 7, 1))


def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path) -> None:
    folder = landing.day_folder(tmp_path, DAY)
    folder.mkdir()
    for content in (b"half a fi", b"\xff\xfe{}"):
        (folder / "_manifest.json").write_bytes(content)
        with pytest.raises(ContractError, match=r"is not a manifest .* deliver the day again"):
            landing.read_manifest(tmp_path, DAY)


def test_a_manifest_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    (landing.day_folder(tmp_path, DAY) / "_manifest.json").mkdir(parents=True)
    with pytest.raises(ContractError, match=r"_manifest\.json cannot be read"):
        landing.read_manifest(tmp_path, DAY)


@pytest.mark.parametrize("table", landing.TABLES.values(), ids=lambda table: table.name)
def test_a_table_has_a_key_of_columns_that_are_never_empty(table: landing.Table) -> None:
    assert table.description.endswith((".", "`."))
    assert all(not table.column(name).nullable for name in table.key)
    assert len({column.name for column in table.columns}) == len(table.columns)
