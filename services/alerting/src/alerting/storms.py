"""The storm breaker: a rule that raises too much in an hour goes on being stored, and is not told.

Hours are those of the events, so a backlog that is caught up is no storm. What raises a reminder
while a storm lasts is held in the outbox; a person ends the storm, after looking. A reminder has
messages that are held only while a storm of its rule lasts, and the first of them raises it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from alerting import ownership
from alerting.outbox import COUNTED_BACKLOG
from alerting.ruleset import Ruleset
from crm_shared import plain
from crm_shared.errors import CrmError
from crm_shared.events.reminders import ReminderRaised

_COUNT = """
insert into alerting.storm_counts as c (rule_code, hour, raised)
select * from unnest(%s::text[], %s::timestamptz[], %s::int[]) order by 1, 2
on conflict (rule_code, hour) do update set raised = c.raised + excluded.raised
returning rule_code, hour, raised
"""

#: An hour that had a storm begins the next one only with as many again.
_BEGIN = """
insert into alerting.storms (rule_code, hour, raised, max_per_hour)
select %(code)s, %(hour)s, %(raised)s, %(most)s
where %(raised)s > %(most)s::bigint * (1 + (
    select count(*) from alerting.storms where rule_code = %(code)s and hour = %(hour)s))
on conflict do nothing returning rule_code
"""

_OPEN = """
select s.rule_code, s.hour, s.raised, s.max_per_hour, s.began_at,
       (select count(*) from (select from alerting.outbox o
                              where o.held and o.rule_code = s.rule_code limit %s) as h) as held
from alerting.storms s where s.ended_at is null order by s.began_at
"""

_LASTS = "select from alerting.storms where rule_code = %s and ended_at is null"

_END = """
update alerting.storms set ended_at = now(), ended_by = %s, end_reason = %s
where rule_code = %s and ended_at is null
"""

#: Whole reminders, so that none is ever held by half.
_HELD = """
select distinct reminder_id from (
    select reminder_id from alerting.outbox where held and rule_code = %s order by seq limit %s
) as part
"""

_RELEASE = "update alerting.outbox set held = false where held and reminder_id = any (%s)"

#: What withdraws reminders of which nobody was told, so that their events raise them anew: a
#: transfer that the inbox has would count as judged already.
_WITHDRAW = (
    "delete from alerting.outbox where held and reminder_id = any (%s)",
    "delete from alerting.inbox where event_id in"
    " (select event_id from alerting.evidence where reminder_id = any (%s))",
    "delete from alerting.evidence where reminder_id = any (%s)",
    "update alerting.reminders set state = 'withdrawn', changed_at = now()"
    " where reminder_id = any (%s) and state = 'raised'",
)

#: Messages of one transaction, while which no batch is written: some tenths of a second.
_AT_ONCE = 2_000


class NoStormError(CrmError):
    """There is no storm of that rule to end."""

    code = "no_storm"


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm that lasts: the hour that was too much; `held`, up to `COUNTED_BACKLOG`, messages."""

    rule_code: str
    hour: datetime
    raised: int
    max_per_hour: int
    began_at: datetime
    held: int

    @property
    def sentence(self) -> str:
        """Why the rule's reminders are not told."""
        at_least = "at least " if self.held >= COUNTED_BACKLOG else ""
        return (
            f"{self.rule_code} raised {plain.counted(self.raised, 'reminder')} for the hour from "
            f"{self.hour:%Y-%m-%dT%H:%MZ}, and {self.max_per_hour:,} are allowed"
            f" (storm.max_per_hour): {at_least}"
            f"{plain.counted(self.held, 'message is', 'messages are')} held since"
            f" {plain.instant(self.began_at)}."
            f" Look at some (`alerting why {self.rule_code} …`), then"
            f" `alerting storms end {self.rule_code}`."
        )


def count(
    connection: psycopg.Connection, raised: Sequence[ReminderRaised], ruleset: Ruleset
) -> list[str]:
    """Count what was raised, by hour; the rules whose storm begins with it.

    Called last of all that locks rows, as the counts are shared by all members.
    """
    if not raised:
        return []
    most = {one.rule.code: one.parameters.max_per_hour for one in ruleset.rules}
    counts = Counter(
        (one.rule_code, one.occurred_at.replace(minute=0, second=0, microsecond=0))
        for one in raised
    )
    rows = connection.execute(
        _COUNT,
        ([code for code, _ in counts], [hour for _, hour in counts], list(counts.values())),
    ).fetchall()
    begun = []
    for code, hour, number in rows:
        if number > most[code]:
            values = {"code": code, "hour": hour, "raised": number, "most": most[code]}
            if connection.execute(_BEGIN, values).fetchone() is not None:
                begun.append(code)
    return begun


def lasting(connection: psycopg.Connection) -> list[Storm]:
    """The storms that nobody has ended."""
    with connection.cursor(row_factory=class_row(Storm)) as cursor:
        return cursor.execute(_OPEN, (COUNTED_BACKLOG,)).fetchall()


def end(connection: psycopg.Connection, code: str, *, by: str, reason: str, withdraw: bool) -> int:
    """End a storm: send what is held, or `withdraw` those reminders; how many were withdrawn.

    Part by part while the storm still lasts, each while no batch is written, so that no evidence
    comes in between; broken off, do it again. What is withdrawn may be raised again, by the
    parameters that hold then, when its events come again.
    """
    withdrawn = 0
    while True:
        with connection.transaction():
            ownership.lock_all(connection)
            if connection.execute(_LASTS, (code,)).fetchone() is None:
                raise NoStormError(f"{code} has no storm; `alerting storms` lists those there are.")
            rows = connection.execute(_HELD, (code, _AT_ONCE)).fetchall()
            held = [row[0] for row in rows]
            if not held:
                connection.execute(_END, (by, reason, code))
                return withdrawn
            for statement in _WITHDRAW if withdraw else (_RELEASE,):
                changed = connection.execute(statement, (held,)).rowcount
            withdrawn += changed if withdraw else 0
