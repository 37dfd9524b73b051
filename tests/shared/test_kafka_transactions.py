"""What our consumers see of producers' transactions, and settings they would not heed."""

from typing import Any

import pytest
from kafka import KafkaProducer

from crm_shared import kafka
from crm_shared.errors import UsageError
from crm_shared.settings import KafkaSettings
from crm_shared.testing import topics


def _write(settings: KafkaSettings, value: bytes, *, commit: bool) -> None:
    """A transaction of one record, ended one way or the other."""
    producer = KafkaProducer(
        bootstrap_servers=settings.bootstrap.split(","),
        transactional_id=f"{settings.topic_prefix}{value.decode()}",
    )
    try:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(kafka.topic(settings, "transactions"), value=value, partition=0)
        producer.flush()
        if commit:
            producer.commit_transaction()
        else:
            producer.abort_transaction()
    finally:
        producer.close()


@pytest.mark.kafka
def test_records_of_aborted_transactions_are_seen_and_marks_are_not(
    kafka_bootstrap: str, kafka_prefix: str
) -> None:
    settings = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix, partitions=1)
    kafka.ensure_topics(settings, ["transactions"])
    for value, commit in ((b"kept", True), (b"aborted", False), (b"last", True)):
        _write(settings, value, commit=commit)
    seen = topics.read_all(settings, "transactions")
    assert [one.value for one in seen] == [b"kept", b"aborted", b"last"]
    assert [one.offset for one in seen] == [0, 2, 4]


@pytest.mark.parametrize(
    "setting",
    [
        {"isolation_level": "read_committed"},
        {"check_crcs": False},
        {"key_deserializer": bytes.decode},
        {"value_deserializer": bytes.decode},
    ],
    ids=lambda it: next(iter(it)),
)
def test_a_setting_that_is_not_heeded_is_refused(setting: dict[str, Any]) -> None:
    [name] = setting
    with pytest.raises(UsageError, match=f"^{name} is .*; leave it out"):
        kafka.consumer(KafkaSettings(bootstrap="127.0.0.1:9"), "any", **setting)
