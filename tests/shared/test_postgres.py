"""PostgreSQL that accepts connections and never answers."""

import time
from urllib.parse import urlsplit

import psycopg
import pytest

from crm_shared import postgres
from crm_shared.testing.network import TcpProxy
from tests.databases import PostgresDatabase


def test_a_server_that_falls_silent_is_given_up_when_the_block_has_had_its_time(
    postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_GRACE_SECONDS", 0.2)
    real = urlsplit(postgres_database.superuser)
    with TcpProxy(real.hostname or "", real.port or 5432) as proxy:
        login = real.netloc.rpartition("@")[0]
        url = real._replace(netloc=f"{login}@127.0.0.1:{proxy.port}").geturl()
        with postgres.connect(url, application_name="test", autocommit=True) as connection:
            proxy.black_hole()
            started = time.monotonic()
            with pytest.raises(psycopg.OperationalError), postgres.bounded(connection, 0.3):
                connection.execute("select 1")
            assert time.monotonic() - started < 5


def test_a_block_that_ends_in_time_keeps_its_connection(
    postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_GRACE_SECONDS", 0.0)
    with postgres.connect(
        postgres_database.superuser, application_name="test", autocommit=True
    ) as connection:
        with postgres.bounded(connection, 0.3):
            connection.execute("select 1")
        time.sleep(0.5)
        assert connection.execute("select 2").fetchone() == (2,)
