"""A connection that fails says why, and what to do."""

import psycopg
import pytest

from crm_shared import postgres
from crm_shared.errors import ServerUnavailableError
from tests.databases import PostgresDatabase


def test_a_server_that_is_not_there_does_not_answer() -> None:
    with pytest.raises(ServerUnavailableError) as caught:
        postgres.connect("postgresql://nobody@127.0.0.1:1/none", application_name="test")
    assert (
        "PostgreSQL at 127.0.0.1:1/none does not answer (Connection refused); start it"
        in caught.value.sentence
    )
    assert "\n" not in caught.value.sentence


def test_a_server_that_refuses_is_not_told_to_be_started(
    postgres_database: PostgresDatabase,
) -> None:
    url = postgres_database.acrm_owner.rsplit("/", 1)[0] + "/no_such_database"
    with pytest.raises(ServerUnavailableError) as caught:
        postgres.connect(url, application_name="test")
    assert "does not let us in" in caught.value.sentence
    assert 'database "no_such_database" does not exist' in caught.value.sentence
    assert "make up" not in caught.value.sentence


@pytest.mark.parametrize("ours", ["", "EST5EDT"])
def test_instants_come_in_utc_whatever_the_time_zone_of_the_database(
    ours: str, postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_shanghai = f"alter database {postgres_database.name} set timezone = 'Asia/Shanghai'"
    with psycopg.connect(postgres_database.superuser, autocommit=True) as connection:
        connection.execute(in_shanghai)
    if ours:
        monkeypatch.setenv("PGTZ", ours)
    with postgres.connect(postgres_database.acrm_owner, application_name="test") as connection:
        connection.rollback()
        row = connection.execute("select timestamptz '2026-07-01T04:00Z'").fetchone()
    assert row is not None
    assert f"{row[0]:%H:%M:%SZ}" == "04:00:00Z"
