"""What a command says of a server that stops answering while it works."""

import psycopg
import pytest
from kafka.errors import KafkaTimeoutError

from alerting.cli import _Application
from crm_shared.errors import ExitCode


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (psycopg.OperationalError("gone"), "PostgreSQL stopped answering (gone); try again.\n"),
        (
            KafkaTimeoutError("no metadata"),
            "Kafka stopped answering (KafkaTimeoutError: no metadata); try again.\n",
        ),
    ],
)
def test_a_server_that_goes_away_is_one_sentence(
    error: Exception, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    application = _Application()

    @application.command()
    def command() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        application([])
    assert ended.value.code == ExitCode.NOT_READY
    assert capsys.readouterr().err == said
