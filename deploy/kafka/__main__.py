"""The command behind make kafka, kafka-down and test-kafka."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.kafka.broker import ApacheKafka
from deploy.local.errors import LocalServerError, NotRunning
from deploy.local.lifecycle import start, stop, url_if_running
from deploy.local.state import State

ROOT = Path(__file__).parents[2]
Action = Callable[[ApacheKafka, State], int]


def main() -> int:
    """Do what the command line says; the exit code of sysexits.h, 75 without Java or Maven."""
    folder = Path(os.environ.get("CRM_LOCAL_DIR") or ROOT / ".local").absolute() / "apache-kafka"
    action = _action()
    broker, state = ApacheKafka(folder, secret=""), State(folder)
    try:
        with state.locked():
            return action(broker, state)
    except LocalServerError as error:
        print(error, file=sys.stderr)
        return error.exit_code


def up(broker: ApacheKafka, state: State) -> int:
    """Fetch, start, and show how to use it."""
    start(broker, state, os.environ, _say)
    print(f"Apache Kafka runs. Use it: export CRM_KAFKA_BOOTSTRAP={url_if_running(broker, state)}")
    return 0


def down(broker: ApacheKafka, state: State) -> int:
    """Stop it; its topics are kept."""
    print("Apache Kafka is stopped." if stop(broker, state) else "Apache Kafka was not running.")
    return 0


def address(broker: ApacheKafka, state: State) -> int:
    """Print HOST:PORT."""
    url = url_if_running(broker, state)
    if url is None:
        raise NotRunning("Apache Kafka does not run: start it with make kafka.")
    print(url)
    return 0


def _action() -> Action:
    parser = argparse.ArgumentParser(prog="python -m deploy.kafka", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="up|down|address")
    for action in (up, down, address):
        command = commands.add_parser(action.__name__, help=action.__doc__)
        command.set_defaults(action=action)
    chosen: Action = parser.parse_args().action
    return chosen


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
