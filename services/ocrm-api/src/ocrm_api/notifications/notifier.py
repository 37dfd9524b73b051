"""The notifier: the outbox → notifications → the channels of employees, at least once each.

Killed between the receiver's answer and our own note of it, a notification goes out again under the
same id. While PostgreSQL is away it waits; a receiver that fails is left alone for a while, longer
each time, and the others go on.
"""

import contextlib
import math
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

import psycopg

from crm_shared import logging, postgres
from crm_shared.clock import Clock
from crm_shared.clock import now as now_is
from crm_shared.errors import ServerUnavailableError
from ocrm_api.migrate import check_version
from ocrm_api.notifications import channels, composing, delivery
from ocrm_api.notifications.delivery import Notification, Settled
from ocrm_api.notifications.errors import NotDeliveredError, NotificationRefusedError
from ocrm_api.notifications.metrics import NotifierMetrics
from ocrm_api.notifications.schedule import Schedule, schedule
from ocrm_api.reminders import routing
from ocrm_api.reminders.routing import Published
from ocrm_api.settings import ChannelName, NotifySettings, Settings

#: For a digest of a whole bank; a batch of attempts takes its time-out at most, and some more.
STATEMENT_SECONDS = 300.0
_IDLE = f"set local idle_in_transaction_session_timeout = '{STATEMENT_SECONDS:.0f}s'".encode()
BATCHES_A_TURN = 20
TURN_SECONDS = 30.0
TIDY_SECONDS = 600.0
COUNT_SECONDS = 15.0
FIRST_REST_SECONDS = 1.0
LONGEST_REST_SECONDS = 60.0

_WENT_AWAY = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
RETRYABLE = (*_WENT_AWAY, ServerUnavailableError)

log = logging.get(__name__)


@dataclass(slots=True)
class _Rest:
    """A channel that failed is left alone until a time of the monotonic clock."""

    until: float = 0.0
    seconds: float = 0.0

    def longer(self) -> None:
        self.seconds = min(max(self.seconds * 2, FIRST_REST_SECONDS), LONGEST_REST_SECONDS)
        self.until = time.monotonic() + self.seconds


@dataclass
class Turned:
    """What a turn did."""

    quiet: bool = False
    made: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    more: bool = False


class Notifier:
    """One sender of notifications; several may work side by side."""

    def __init__(
        self,
        settings: Settings,
        given: NotifySettings,
        stop: threading.Event,
        clock: Clock = now_is,
    ) -> None:
        self._url = settings.database_url.get_secret_value()
        self._given, self._stop, self._clock = given, stop, clock
        self._schedule: Schedule = schedule(given, settings.working_time())
        self._channels: Mapping[ChannelName, channels.Channel] = channels.configured(given)
        self.metrics = NotifierMetrics()
        self._rests = {name: _Rest() for name in self._channels}
        self._connection: psycopg.Connection | None = None
        self._published: Published | None = None
        self._counted_at = self._tidied_at = 0.0
        #: Who tries a channel out by hand may know of no other: nothing is given up for it.
        self._gives_up = True
        self._pool = ThreadPoolExecutor(given.parallel, "notify")
        with self._transaction() as connection:
            check_version(connection)

    def run(self) -> None:
        """Work until told to stop; what is in hand is finished."""
        log.info("notifier_started", channels=list(self._channels))
        pause = self._given.poll_seconds
        while not self._stop.is_set():
            try:
                turned = self.turn()
                pause = 0.0 if turned.more else self._given.poll_seconds
            except RETRYABLE as error:
                self.metrics.put_off.inc()
                self._disconnect()
                pause = min(max(pause, FIRST_REST_SECONDS) * 2, LONGEST_REST_SECONDS)
                log.warning("notifier_put_off", error=type(error).__name__, seconds=pause)
            self._stop.wait(pause)
        log.info("notifier_stopped")

    def once(self, *, regardless: bool) -> Turned:
        """All that is due; `ServerUnavailableError` where PostgreSQL goes away meanwhile. What
        waits for a channel that is not set up here is let be."""
        self._gives_up = False
        try:
            return self.turn(regardless=regardless, batches=sys.maxsize, seconds=math.inf)
        except _WENT_AWAY as error:
            raise ServerUnavailableError(
                f"PostgreSQL went away ({type(error).__name__}); run the command again when it is"
                " there: what was sent keeps its id."
            ) from error

    def close(self) -> None:
        """Let go of threads and database."""
        self._pool.shutdown()
        self._disconnect()

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._published = None

    def turn(
        self, *, regardless: bool = False, batches: int = BATCHES_A_TURN,
        seconds: float = TURN_SECONDS,
    ) -> Turned:  # fmt: skip
        """Compose and send what is due; `regardless` of the hour, and a digest of all there is.

        Each channel has its batch in turn, so many times at most, and for so many seconds or once:
        what is urgent waits neither for a digest of the whole bank nor for a receiver that is slow.
        `more` says that there may be others.
        """
        now = self._clock()
        turned = Turned(quiet=not regardless and self._schedule.is_quiet(now))
        if not turned.quiet:
            digest = now if regardless else self._schedule.digest_due(now)
            turned.made = self._compose(now, digest, timedelta(0) if regardless else self._gap)
            ends, waiting = time.monotonic() + seconds, list(self._channels)
            while waiting and batches:
                batches -= 1
                waiting = [
                    one for one in waiting if not self._stop.is_set() and self._send(one, turned)
                ]
                if time.monotonic() >= ends:
                    break
            turned.more = bool(waiting)
        self._keep_house(now, turned)
        return turned

    @property
    def _gap(self) -> timedelta:
        return timedelta(minutes=self._given.gap_minutes)

    def _compose(self, now: datetime, digest: datetime | None, gap: timedelta) -> int:
        with self._transaction() as connection:
            self._published = routing.current(connection, self._published)
            made = composing.compose(
                connection, self._published, now, digest_before=digest, gap=gap,
                channels=tuple(self._channels),
            )  # fmt: skip
        if made:
            log.info("notifications_made", notifications=made)
        return made

    def _send(self, channel: ChannelName, turned: Turned) -> bool:
        """Try some of a channel, side by side; whether there may be more."""
        rest = self._rests[channel]
        if time.monotonic() < rest.until:
            return False
        now = self._clock()
        with self._transaction() as connection:
            self._published = routing.current(connection, self._published)
            claimed = delivery.claim(connection, channel, now, self._given.parallel)
            if not claimed:
                return False
            settled = list(self._pool.map(lambda one: self._attempt(channel, one), claimed))
            delivery.settle(connection, settled, self._clock())
        for one in settled:
            turned.outcomes[one.outcome] = turned.outcomes.get(one.outcome, 0) + 1
            self.metrics.count(channel, one.outcome)
        tried = [one for one in settled if one.outcome != "dropped"]
        if any(not one.channel_failed for one in tried):
            self._rests[channel] = _Rest()
        elif tried:
            rest.longer()
            log.warning("channel_rests", channel=channel, seconds=rest.seconds)
        return len(claimed) == self._given.parallel

    def _attempt(self, channel: ChannelName, notification: Notification) -> Settled:
        if not notification.lines:
            return Settled(notification, "dropped", "Nothing of it is new any more.")
        given_up, channel_failed = notification.attempts + 1 >= self._given.attempts, False
        try:
            self._channels[channel](notification)
        except NotificationRefusedError as error:
            reason, given_up = error.sentence, given_up or error.for_good
        except NotDeliveredError as error:
            reason, channel_failed = error.sentence, True
        except Exception as error:  # of this notification alone: the others are sent
            reason = f"It could not be written ({type(error).__name__}); the log says where."
            log.exception("notification_fault", notification_id=str(notification.notification_id))
        else:
            return Settled(notification, "sent")
        log.warning(
            "notification_failed" if given_up else "notification_put_off",
            notification_id=str(notification.notification_id), channel=channel,
            attempts=notification.attempts + 1, reason=reason,
        )  # fmt: skip
        outcome: Literal["failed", "put_off"] = "failed" if given_up else "put_off"
        return Settled(notification, outcome, reason, channel_failed)

    def _keep_house(self, now: datetime, turned: Turned) -> None:
        """Now and then count what waits, give up what waits for a channel that is no longer set up,
        and delete what has been kept long enough. In a quiet hour nothing is late."""
        at = time.monotonic()
        if at >= self._counted_at + COUNT_SECONDS or not self._counted_at:
            with self._transaction() as connection:
                orphaned = (
                    delivery.fail_orphaned(connection, tuple(self._channels), now)
                    if self._gives_up
                    else {}
                )
                counts = delivery.counts(connection)
                oldest = {} if turned.quiet else delivery.oldest(connection)
            for channel, number in orphaned.items():
                log.warning("channel_not_set_up", channel=channel, failed=number)
                self.metrics.count(channel, "failed", number)
            self.metrics.show(counts, {one: now - made for one, made in oldest.items()})
            self._counted_at = at
        if at >= self._tidied_at + TIDY_SECONDS or not self._tidied_at:
            before = now - timedelta(days=self._given.retention_days)
            with self._transaction() as connection:
                more = delivery.tidy(connection, before)
            self._tidied_at = 0.0 if more else at

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[psycopg.Connection]:
        """A transaction that ends in time, also where PostgreSQL never answers."""
        if self._connection is None or self._connection.closed:
            self._connection = postgres.connect(
                self._url, application_name="ocrm-notify", autocommit=True
            )
        connection = self._connection
        with postgres.bounded(connection, STATEMENT_SECONDS), connection.transaction():
            connection.execute("set local lock_timeout = '10s'")
            # Idle is also who waits for the receivers: as long as a whole batch may take.
            connection.execute(_IDLE)
            yield connection
        self.metrics.turned_at.set(self._clock().timestamp())
