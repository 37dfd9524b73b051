"""`alerting dead-letters` says what it did not find and what it does not show."""

import psycopg
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from alerting import cli_letters, dead_letters, ruleset, status
from alerting.cli import app
from alerting.ruleset import Ruleset, RulesetError
from alerting.settings import AlertingSettings
from crm_shared.errors import UsageError
from tests.alerting.batches import records, run


def _said(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["dead-letters", *words], catch_exceptions=False)
    assert done.exit_code == code
    return done.output.splitlines()[-1]


@pytest.fixture(autouse=True)
def three(
    connection: psycopg.Connection, alerting_url: str, monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    """The numbers of three dead letters, which the commands find."""
    monkeypatch.setenv("ALERTING_DATABASE_URL", alerting_url)
    run(connection, records([b"first", b"second", b"third"]))
    connection.commit()
    return [one.dead_letter_id for one in dead_letters.find(connection, state="dead")]


def test_a_number_that_is_no_open_dead_letter_is_an_error_and_nothing_is_requeued(
    three: list[int], connection: psycopg.Connection
) -> None:
    before = dead_letters.find(connection)
    connection.commit()
    with pytest.raises(UsageError, match="999999: no open dead letter has this number") as raised:
        _said("requeue", str(three[0]), "999999", "--by", "Chen")
    assert raised.value.exit_code == 2
    assert str(three[0]) not in raised.value.sentence
    assert dead_letters.find(connection) == before
    connection.execute(
        "update alerting.dead_letters set state = 'requeued' where dead_letter_id = %s", three[:1]
    )
    connection.commit()
    with pytest.raises(UsageError, match=f"^{three[0]}: no open"):
        _said("requeue", str(three[0]), "--by", "Chen")
    assert "mend it and requeue them again" in _said(
        "requeue", str(three[1]), "--by", "Chen", code=3
    )
    connection.execute("update alerting.dead_letters set state = 'dead'")
    connection.commit()


def test_a_list_that_is_cut_says_of_how_many(three: list[int]) -> None:
    assert len(three) == 3
    assert _said("list") == "3 dead letters shown."
    assert _said("list", "--limit", "3") == "3 dead letters shown."
    cut = "2 dead letters shown of 3, the oldest; --limit shows more."
    assert _said("list", "--limit", "2") == cut
    assert _said("list", "--limit", "2", "--reason", "undecodable") == cut
    assert _said("list", "--reason", "refused") == "0 dead letters shown."


def test_a_reason_that_there_is_not_is_an_error() -> None:
    for command in (["list"], ["requeue", "--by", "Chen"]):
        with pytest.raises(UsageError, match="misspelt is no reason of dead letters: undecodable"):
            _said(*command, "--reason", "misspelt")


def test_all_are_requeued_however_many_there_are_and_who_did_it_is_kept(
    three: list[int], connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli_letters, "PAGE", 2)
    assert "mend it and requeue them again" in _said("requeue", "--all", "--by", "Chen", code=3)
    assert _kept(connection, "dead_letters.requeued")[-2:] == [
        ("Chen", three[:2], None), ("Chen", three[2:], None),
    ]  # fmt: skip


def test_nothing_is_requeued_or_settled_where_nobody_says_who(three: list[int]) -> None:
    for words in (["requeue", "--all"], ["settle", str(three[0]), "--why", "an old test"]):
        assert CliRunner().invoke(app, ["dead-letters", *words]).exit_code == 2
    with pytest.raises(UsageError, match="Say who asks"):
        _said("settle", str(three[0]), "--why", "an old test", "--by", " ")


def test_what_is_settled_is_kept_and_told_no_more(
    three: list[int], connection: psycopg.Connection
) -> None:
    said = ("--why", "records of a test", "--by", "Chen")
    with pytest.raises(UsageError, match="999999: no open dead letter"):
        _said("settle", str(three[0]), "999999", *said)
    assert _said("settle", str(three[0]), str(three[1]), *said).startswith("2 dead letters settled")
    assert _said("list") == "1 dead letter shown."
    assert _said("list", "--all") == "3 dead letters shown."
    assert status.waiting(connection).dead_letters == {"undecodable": 1}
    connection.commit()
    assert _kept(connection, "dead_letters.settled") == [("Chen", three[:2], "records of a test")]
    with pytest.raises(UsageError, match=f"^{three[0]}: no open"):
        _said("requeue", str(three[0]), "--by", "Chen")
    connection.execute("update alerting.dead_letters set state = 'dead'")
    connection.commit()


def _kept(connection: psycopg.Connection, action: str) -> list[tuple[str, list[int], str | None]]:
    """Who did it, to which dead letters, and why, as the audit log has it."""
    rows = connection.execute(
        "select said_by, details -> 'dead_letters', details ->> 'why' from alerting.audit_log"
        " where action = %s order by audit_id",
        (action,),
    ).fetchall()
    connection.commit()
    return [(row[0], row[1], row[2]) for row in rows]


def test_rules_cannot_be_read_more_rarely_than_is_promised(alerting_url: str) -> None:
    with pytest.raises(ValidationError, match="less than or equal to 5"):
        AlertingSettings.model_validate({"database_url": alerting_url, "rules_reload_seconds": 5.1})


def test_who_requeued_is_kept_only_with_what_was_done(
    three: list[int], connection: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[tuple[list[int]]]:
        rows = connection.execute(
            "select details -> 'dead_letters' from alerting.audit_log"
            " where action = 'dead_letters.requeued' and said_by = 'Wang'"
        ).fetchall()
        connection.commit()
        return rows

    def refused(_: psycopg.Connection) -> Ruleset:
        raise RulesetError("There is a rule that nobody knows.")

    with monkeypatch.context() as patched:
        patched.setattr(ruleset, "load", refused)
        with pytest.raises(RulesetError):
            _said("requeue", "--all", "--by", "Wang")
    assert told() == []
    _said("requeue", "--all", "--by", "Wang", code=3)
    assert told() == [(three,)]
