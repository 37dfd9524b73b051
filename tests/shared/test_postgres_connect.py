"""A connection that fails says why, and what to do."""

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
