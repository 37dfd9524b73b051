"""Every published column is explained, in both languages."""

from crm_shared.published import TABLES
from crm_shared.published_columns import MEANINGS, meaning

COLUMNS = {(table.name, name) for table in TABLES.values() for name in table.column_names}


def test_every_published_column_says_what_it_means_in_chinese_and_english() -> None:
    for table, column in COLUMNS:
        said = meaning(table, column)
        assert any("\u4e00" <= letter <= "\u9fff" for letter in said.zh)
        assert said.en.isascii() and said.en


def test_nothing_is_explained_that_is_not_published() -> None:
    known = {f"{table}.{column}" for table, column in COLUMNS} | {name for _, name in COLUMNS}
    assert set(MEANINGS) - known == {"business_date"}


def test_a_meaning_of_one_table_goes_before_that_of_all() -> None:
    assert meaning("customers", "status") != meaning("holdings", "status")
    assert meaning("holdings", "branch_id") != meaning("due_reminders", "branch_id")
