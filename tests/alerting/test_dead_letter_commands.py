"""`alerting dead-letters` says what it did not find and what it does not show."""

import psycopg
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from alerting import dead_letters
from alerting.cli import app
from alerting.settings import AlertingSettings
from crm_shared.errors import UsageError
from tests.alerting.batches import records, run


def _said(*words: str) -> str:
    done = CliRunner().invoke(app, ["dead-letters", *words], catch_exceptions=False)
    assert done.exit_code == 0
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
        _said("requeue", str(three[0]), "999999")
    assert raised.value.exit_code == 2
    assert str(three[0]) not in raised.value.sentence
    assert dead_letters.find(connection) == before
    connection.execute(
        "update alerting.dead_letters set state = 'requeued' where dead_letter_id = %s", three[:1]
    )
    connection.commit()
    with pytest.raises(UsageError, match=f"^{three[0]}: no open"):
        _said("requeue", str(three[0]))
    assert _said("requeue", str(three[1])).startswith("0 worked on, 0 reminders raised")
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
    for command in ("list", "requeue"):
        with pytest.raises(UsageError, match="misspelt is no reason of dead letters: undecodable"):
            _said(command, "--reason", "misspelt")


def test_rules_cannot_be_read_more_rarely_than_is_promised(alerting_url: str) -> None:
    with pytest.raises(ValidationError, match="less than or equal to 5"):
        AlertingSettings.model_validate({"database_url": alerting_url, "rules_reload_seconds": 5.1})
