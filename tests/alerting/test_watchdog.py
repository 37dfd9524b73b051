"""What the probes answer."""

import pytest

from alerting.watchdog import Watchdog

FIRST, SECOND = ("t", 0), ("t", 1)


class _Time:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> _Time:
    return _Time()


@pytest.fixture
def watchdog(time: _Time) -> Watchdog:
    dog = Watchdog(30, time)
    dog.joined(True)
    dog.turned()
    return dog


def test_a_loop_that_turns_is_alive_and_ready(watchdog: Watchdog) -> None:
    assert watchdog.stalls() == []
    assert watchdog.hindrances() == []


def test_a_loop_that_hangs_is_dead(watchdog: Watchdog, time: _Time) -> None:
    time.now = 31
    assert watchdog.stalls() == ["the loop has not turned for 31 s"]


def test_a_partition_with_work_that_does_not_move_is_dead(watchdog: Watchdog, time: _Time) -> None:
    watchdog.observe({FIRST: (5, 10), SECOND: (7, 7)})
    time.now = 31
    watchdog.turned()
    watchdog.observe({FIRST: (5, 12), SECOND: (7, 7)})
    assert watchdog.stalls() == ["partition 0 of t has 7 records to do and has not moved for 31 s"]


def test_a_partition_that_is_held_is_alive_and_its_lag_known(
    watchdog: Watchdog, time: _Time
) -> None:
    for time.now in (0, 31):
        watchdog.turned()
        watchdog.observe({FIRST: (5, 10), SECOND: (5, 10)}, {FIRST})
    assert watchdog.stalls() == ["partition 1 of t has 5 records to do and has not moved for 31 s"]
    assert watchdog.lags()[FIRST] == (5, 31.0)


def test_a_slow_partition_is_alive_and_its_lag_known(watchdog: Watchdog, time: _Time) -> None:
    watchdog.observe({FIRST: (5, 10)})
    time.now = 31
    watchdog.turned()
    watchdog.observe({FIRST: (6, 100)})
    assert watchdog.stalls() == []
    assert watchdog.lags() == {FIRST: (94, 31.0)}


def test_waiting_for_a_server_is_not_ready_yet_alive(watchdog: Watchdog, time: _Time) -> None:
    watchdog.observe({FIRST: (5, 10)})
    time.now = 31
    watchdog.waits_for("PostgreSQL: gone")
    assert watchdog.stalls() == []
    assert watchdog.hindrances() == ["waiting for PostgreSQL: gone"]


def test_shutting_down_is_not_ready(watchdog: Watchdog) -> None:
    watchdog.drain()
    assert watchdog.hindrances() == ["the process is shutting down"]


def test_outside_the_group_is_not_ready(watchdog: Watchdog) -> None:
    watchdog.joined(False)
    assert watchdog.hindrances() == ["not yet a member of the consumer group"]


def test_a_group_that_does_not_let_us_in_is_a_reason_to_start_anew(
    watchdog: Watchdog, time: _Time
) -> None:
    watchdog.joined(False)
    time.now = 20
    watchdog.joined(False)
    assert watchdog.stalls() == []
    time.now = 31
    watchdog.turned()
    assert watchdog.stalls() == ["the group has not let us in for 31 s"]
