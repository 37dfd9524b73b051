"""The storm breaker: a rule that raises too much in an hour goes on being stored, and is not told.

Hours are those of the events, so a backlog that is caught up is no storm. While a storm lasts the
relay leaves the rule's messages in the outbox; a person ends it, after looking.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from alerting.ruleset import Ruleset
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
       (select count(*) from alerting.outbox o
        where o.sent_at is null and o.rule_code = s.rule_code) as held
from alerting.storms s where s.ended_at is null order by s.began_at
"""

_LASTS = "select from alerting.storms where rule_code = %s and ended_at is null"

_END = """
update alerting.storms set ended_at = now(), ended_by = %s, end_reason = %s
where rule_code = %s and ended_at is null
"""

_NEVER_TOLD = """
select reminder_id from alerting.outbox o
where o.rule_code = %s and o.sent_at is null
  and not exists (select from alerting.outbox told
                  where told.reminder_id = o.reminder_id and told.sent_at is not null)
limit %s for update
"""

#: What withdraws reminders of which nobody was told, so that their events raise them anew: a
#: transfer that the inbox has would count as judged already.
_WITHDRAW = (
    "delete from alerting.outbox where reminder_id = any (%s)",
    "delete from alerting.inbox where event_id in"
    " (select event_id from alerting.evidence where reminder_id = any (%s))",
    "delete from alerting.evidence where reminder_id = any (%s)",
    "update alerting.reminders set state = 'withdrawn', changed_at = now()"
    " where reminder_id = any (%s)",
)

#: Messages of one transaction: a storm may hold more than a statement has time for.
_WITHDRAWN_AT_ONCE = 5_000


class NoStormError(CrmError):
    """There is no storm of that rule to end."""

    code = "no_storm"


@dataclass(frozen=True, slots=True)
class Storm:
    """A storm that lasts: the hour that was too much, and how many messages are held."""

    rule_code: str
    hour: datetime
    raised: int
    max_per_hour: int
    began_at: datetime
    held: int

    @property
    def sentence(self) -> str:
        """Why the rule's reminders are not told."""
        return (
            f"{self.rule_code} raised {self.raised} reminders for the hour from "
            f"{self.hour:%Y-%m-%dT%H:%MZ}, and {self.max_per_hour} are allowed (storm.max_per_hour)"
            f": {self.held} messages are held since {self.began_at:%Y-%m-%dT%H:%M:%SZ}."
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
        return cursor.execute(_OPEN).fetchall()


def end(connection: psycopg.Connection, code: str, *, by: str, reason: str, withdraw: bool) -> int:
    """End a storm: send what is held, or `withdraw` those reminders of which nobody was told.

    How many were withdrawn, part by part while the storm still lasts; broken off, do it again.
    They may be raised again, by the parameters that hold then, when their events come again.
    """
    with connection.transaction():
        if connection.execute(_LASTS, (code,)).fetchone() is None:
            raise NoStormError(f"{code} has no storm; `alerting storms` lists those there are.")
    withdrawn = 0
    while withdraw and (part := _withdraw_some(connection, code)):
        withdrawn += part
    with connection.transaction():
        connection.execute(_END, (by, reason, code))
    return withdrawn


def _withdraw_some(connection: psycopg.Connection, code: str) -> int:
    with connection.transaction():
        rows = connection.execute(_NEVER_TOLD, (code, _WITHDRAWN_AT_ONCE)).fetchall()
        untold = list({row[0] for row in rows})
        for statement in _WITHDRAW:
            connection.execute(statement, (untold,))
    return len(untold)
