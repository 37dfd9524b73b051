"""Does the work go on? What /livez and /readyz know, told by the loop and never asked of a server.

So a probe is answered at once, whatever hangs.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from alerting.ownership import Partition


@dataclass(slots=True)
class _Seen:
    next_offset: int
    moved_at: float
    caught_up_at: float
    lag: int


class Watchdog:
    """The turns of the loop, the progress of each partition, and what is waited for."""

    def __init__(self, stall_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._stall = stall_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._turned_at = clock()
        self._waiting_for: str | None = "the first turn of the loop"
        self._seen: dict[Partition, _Seen] = {}
        self._outside_since: float | None = self._turned_at
        self._draining = False

    def turned(self) -> None:
        """The loop has come round with every server answering."""
        with self._lock:
            self._turned_at = self._clock()
            self._waiting_for = None

    def waits_for(self, reason: str) -> None:
        """The loop turns but cannot work, because a server is away: not ready, yet alive."""
        with self._lock:
            self._turned_at = self._clock()
            self._waiting_for = reason
            for seen in self._seen.values():
                seen.moved_at = self._turned_at

    def joined(self, is_member: bool) -> None:
        """Whether the broker has let us into the group."""
        with self._lock:
            if is_member:
                self._outside_since = None
            elif self._outside_since is None:
                self._outside_since = self._clock()

    def drain(self) -> None:
        """The end has been asked for: no more work, please."""
        with self._lock:
            self._draining = True

    @property
    def is_draining(self) -> bool:
        """Whether the end has been asked for."""
        return self._draining

    def observe(
        self, offsets: Mapping[Partition, tuple[int, int]], held: Collection[Partition] = ()
    ) -> None:
        """Next and end offset of every owned partition; others are forgotten. Those that are `held`
        wait for a person: a new start would move none of them."""
        now = self._clock()
        with self._lock:
            seen = {}
            for partition, (next_offset, end) in offsets.items():
                lag = max(0, end - next_offset)
                before = self._seen.get(partition)
                moved = before is None or before.next_offset != next_offset or partition in held
                seen[partition] = _Seen(
                    next_offset,
                    now if moved or lag == 0 or before is None else before.moved_at,
                    now if lag == 0 or before is None else before.caught_up_at,
                    lag,
                )
            self._seen = seen

    def lags(self) -> dict[Partition, tuple[int, float]]:
        """By partition: records not worked on, and since when it has not been caught up."""
        now = self._clock()
        with self._lock:
            return {
                partition: (seen.lag, now - seen.caught_up_at if seen.lag else 0.0)
                for partition, seen in self._seen.items()
            }

    def stalls(self) -> list[str]:
        """Why the process should be started anew; empty while it lives."""
        now = self._clock()
        with self._lock:
            if now - self._turned_at > self._stall:
                return [f"the loop has not turned for {now - self._turned_at:.0f} s"]
            outside = self._outside_since
            if outside is not None and now - outside > self._stall and not self._waiting_for:
                return [f"the group has not let us in for {now - outside:.0f} s"]
            return [
                f"partition {number} of {topic} has {seen.lag} records to do and has not moved for "
                f"{now - seen.moved_at:.0f} s"
                for (topic, number), seen in sorted(self._seen.items())
                if seen.lag and now - seen.moved_at > self._stall
            ]

    def hindrances(self) -> list[str]:
        """Why no work should be expected now; empty while ready."""
        with self._lock:
            reasons = {
                "the process is shutting down": self._draining,
                f"waiting for {self._waiting_for}": self._waiting_for is not None,
                "not yet a member of the consumer group": self._outside_since is not None,
            }
        return [reason for reason, holds in reasons.items() if holds] + self.stalls()
