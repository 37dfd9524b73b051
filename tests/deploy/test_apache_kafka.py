"""make kafka: a real broker where Java and Maven are, one sentence where they are not."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewTopic

from deploy.kafka.broker import HERE, ApacheKafka
from deploy.local.lifecycle import start, stop, url_if_running
from deploy.local.state import State

FETCHED = shutil.which("java") is not None and (HERE / "libs" / "fetched-pom.xml").exists()
JAVA = "#!/bin/sh\necho 'openjdk version \"{}.0.1\"' >&2\n"


def run(folder: Path, **tools: str) -> subprocess.CompletedProcess[str]:
    """`make kafka` on a machine that has just these tools, with a copy of nothing fetched."""
    for name, script in tools.items():
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    return subprocess.run(
        [sys.executable, "-m", "deploy.kafka", "up"],
        cwd=HERE.parents[1],
        env={"PATH": str(folder), "CRM_LOCAL_DIR": str(folder / "local")},
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("tools", "sentence"),
    [
        ({}, "Java was not found"),
        ({"java": JAVA.format(11)}, "This Java is 11, and Apache Kafka needs 17 or newer"),
    ],
)
def test_a_missing_tool_is_one_sentence_and_exit_75(
    tmp_path: Path, tools: dict[str, str], sentence: str
) -> None:
    done = run(tmp_path, **tools)

    assert done.returncode == 75
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.skipif(not FETCHED, reason="Apache Kafka was not fetched: make kafka")
def test_records_outlive_a_restart_and_a_kill_of_apache_kafka(tmp_path: Path) -> None:
    said: list[str] = []
    broker, state = ApacheKafka(tmp_path, secret=""), State(tmp_path)
    try:
        assert start(broker, state, {}, said.append)
        address = url_if_running(broker, state)
        admin = KafkaAdminClient(bootstrap_servers=address)
        admin.create_topics([NewTopic("kept", 1, 1)])
        admin.close()
        producer = KafkaProducer(bootstrap_servers=address, acks="all")
        producer.send("kept", b"one").get(10)
        producer.close()
        assert stop(broker, state)
        assert start(broker, state, {}, said.append)
        process = state.read("kafka").process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)
        assert start(broker, state, {}, said.append)

        consumer = KafkaConsumer(
            bootstrap_servers=url_if_running(broker, state),
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        consumer.assign([TopicPartition("kept", 0)])
        batches = consumer.poll(timeout_ms=20_000)
        consumer.close()
    finally:
        stop(broker, state)

    assert [record.value for batch in batches.values() for record in batch] == [b"one"]
    assert said == []
