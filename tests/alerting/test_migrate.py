"""Every request asks whether the schema is the program's."""

import pytest

from alerting import migrate


def test_the_files_of_the_revisions_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    newest = migrate.newest()
    monkeypatch.setattr(migrate, "ScriptDirectory", None)
    assert migrate.newest() == newest
