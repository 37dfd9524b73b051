"""Every request asks whether the schema is the program's."""

from pathlib import Path

import pytest

from alerting import migrate


def test_the_files_of_the_revisions_are_read_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    newest = migrate.newest()
    monkeypatch.setattr(migrate, "_MIGRATIONS", tmp_path)
    assert migrate.newest() == newest
