"""When employees may be notified: not in quiet hours, not on days on which the bank is closed."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from crm_shared.clock import BANK_ZONE
from crm_shared.errors import UsageError
from crm_shared.working_time import WorkingTime
from ocrm_api.settings import NotifySettings


@dataclass(frozen=True)
class Schedule:
    """Times of day are those of the bank's zone. `quiet_from` may be later than `quiet_until`."""

    working: WorkingTime
    quiet_from: time = time(20)
    quiet_until: time = time(8)
    digests: tuple[time, ...] = (time(9),)

    def is_quiet(self, now: datetime) -> bool:
        """Whether nobody may be disturbed."""
        at = now.astimezone(BANK_ZONE)
        if not self.working.is_working_day(at.date()):
            return True
        if self.quiet_from <= self.quiet_until:
            return self.quiet_from <= at.time() < self.quiet_until
        return at.time() >= self.quiet_from or at.time() < self.quiet_until

    def digest_due(self, now: datetime) -> datetime:
        """The latest time at which a digest was due: it tells of what came before.

        In the morning that is one of the last working day: its time may have come in quiet hours,
        or while nobody could send.
        """
        at = now.astimezone(BANK_ZONE)
        before = at.date() - timedelta(days=1)
        while not self.working.is_working_day(before):
            before -= timedelta(days=1)
        due = [
            datetime.combine(day, one, BANK_ZONE)
            for day in (before, at.date())
            for one in self.digests
        ]
        return max(one for one in due if one <= at)


def schedule(settings: NotifySettings, working: WorkingTime) -> Schedule:
    """The schedule by the settings; a `UsageError` says which is no time."""
    quiet_from, quiet_until = _times("OCRM_NOTIFY_QUIET_HOURS", settings.quiet_hours.split("-"))
    digests = _times("OCRM_NOTIFY_DIGEST_TIMES", settings.digest_times.split(","))
    return Schedule(working, quiet_from, quiet_until, tuple(digests))


def _times(name: str, given: list[str]) -> list[time]:
    try:
        return [time.fromisoformat(one) for one in given]
    except ValueError:
        raise UsageError(f"{name} must have times of day, such as 08:00.") from None
