"""The process: operations port, relay and consumer, their start and their orderly end."""

import gc
import os
import signal
import threading
from types import FrameType

from alerting import api, commands, consumer
from alerting.canaries import Canaries
from alerting.database_clock import DatabaseClock
from alerting.relay import Relay
from alerting.settings import AlertingSettings
from alerting.watchdog import Watchdog
from crm_shared import kafka, logging
from crm_shared.errors import CrmError
from crm_shared.events import reminders
from crm_shared.events.from_bank import TOPICS
from crm_shared.settings import KafkaSettings

_log = logging.get(__name__)


class _End:
    """The end of the process: asked for by a signal or forced by a failure, and bounded."""

    def __init__(self, watchdog: Watchdog, seconds: float) -> None:
        self.asked = threading.Event()
        self.failure: Exception | None = None
        self._watchdog = watchdog
        self._seconds = seconds

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Finish the batch, commit, leave the group; whatever hangs is cut off in time."""
        self.begin()

    def on_failure(self, error: Exception) -> None:
        """A thread has failed unexpectedly: end everything, say why."""
        _log.error("thread_failed", exc_info=error)
        self.failure = error
        self.begin()

    def begin(self) -> None:
        """Ask for the end, once; from now on it takes its bounded time at most."""
        if not self.asked.is_set():
            self._watchdog.drain()
            self.asked.set()
            timer = threading.Timer(self._seconds, _give_up)
            timer.daemon = True
            timer.start()


def _give_up() -> None:
    """The orderly end takes too long; nothing is lost by a hard one."""
    _log.error("shutdown_took_too_long")
    os._exit(1)


def _collect_garbage_rarely() -> None:
    """A batch makes thousands of objects and no cycles: looking for cycles cost a fifth of it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def run(settings: AlertingSettings, kafka_settings: KafkaSettings) -> None:
    """Consume until SIGTERM or SIGINT; `CrmError` where the start or the work is impossible."""
    watchdog = Watchdog(settings.stall_seconds)
    end = _End(watchdog, settings.shutdown_seconds)
    listener = api.listen(settings.operations_host, settings.operations_port)
    app = api.create_app(watchdog, settings, kafka_settings)
    with api.served(app, listener):
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end.on_signal)
        kafka.ensure_topics(kafka_settings, [*TOPICS, reminders.TOPIC])
        with commands.connected(settings) as connection:
            clock = DatabaseClock(connection)
        canaries = Canaries(settings.canary_seconds, watchdog.lags, clock)
        relay = Relay(settings, kafka_settings, canaries, end.on_failure, clock=clock)
        _collect_garbage_rarely()
        loop = consumer.Consumer(
            settings,
            kafka_settings,
            clock=clock,
            watchdog=watchdog,
            stop=end.asked,
            on_raised=relay.wake,
        )
        _log.info("started", operations_port=listener.getsockname()[1])
        relay.start()
        try:
            loop.run()
        except BaseException:
            end.begin()
            raise
        finally:
            relay.stop(settings.shutdown_seconds / 2)
        _log.info("stopped")
    if end.failure is not None:
        raise CrmError(
            f"The relay to the topic failed unexpectedly ({end.failure}); see the log. "
            "Nothing is lost: what was raised waits in the outbox."
        ) from end.failure
