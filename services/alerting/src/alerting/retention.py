"""How long the tables keep what has been worked on: reminders, evidence, transfers of old windows.

A transfer goes when both its event time and its arrival are older, so that days which are played
again long after they happened keep their windows. An event that comes back later than this is
judged as a new one; its reminders get the ids they had, and who has them already changes nothing.
A reversal that comes later than this finds nothing to withdraw.

A reminder stays as long as it has evidence: without its row nothing could withdraw it. One that was
ever withdrawn stays `REMEMBERED` after its last change, for its row alone knows which revision is
next: begun at 1 again, it would be taken for one that is known and withdrawn.
"""

from datetime import timedelta

import psycopg

from alerting.ruleset import Ruleset, RulesetError
from alerting.settings import AlertingSettings

#: Rows in a transaction: some tens of milliseconds.
CHUNK = 5_000

#: A year, and the month in which its books are closed: what is corrected or played again lies no
#: further back, and the windows of reminders are dated. Such rows are few: one for a withdrawal.
REMEMBERED = timedelta(days=400)

_DELETE = {
    "outbox": """
delete from alerting.outbox where seq = any (array(
    select seq from alerting.outbox
    where sent_at < now() - %(kept)s::interval
    order by sent_at limit %(chunk)s for update skip locked))
""",
    "inbox": """
delete from alerting.inbox where event_id = any (array(
    select event_id from alerting.inbox
    where received_at < now() - %(kept)s::interval and occurred_at < now() - %(kept)s::interval
    order by received_at limit %(chunk)s for update skip locked))
""",
    "evidence": """
delete from alerting.evidence where (event_id, rule_code) in (
    select event_id, rule_code from alerting.evidence
    where fired_at < now() - %(kept)s::interval
    order by fired_at limit %(chunk)s for update skip locked)
""",
    "retractions": """
delete from alerting.retractions where (customer_id, fact) in (
    select customer_id, fact from alerting.retractions
    where received_at < now() - %(kept)s::interval
    order by received_at limit %(chunk)s for update skip locked)
""",
    "storm_counts": """
delete from alerting.storm_counts where (rule_code, hour) in (
    select rule_code, hour from alerting.storm_counts
    where hour < now() - %(kept)s::interval
    order by hour limit %(chunk)s for update skip locked)
""",
    "reminders": """
delete from alerting.reminders where reminder_id = any (array(
    select reminder_id from alerting.reminders r
    where changed_at < now() - %(kept)s::interval
      and (state = 'raised' and revision = 1 or changed_at < now() - %(remembered)s::interval)
      and not exists (select from alerting.evidence e where e.reminder_id = r.reminder_id)
    order by changed_at limit %(chunk)s for update skip locked))
""",
}


class RetentionTooShortError(RulesetError):
    """Transfers would be deleted while windows still count them."""

    code = "retention_too_short"


def require_longer_than_windows(settings: AlertingSettings, ruleset: Ruleset) -> None:
    """`RetentionTooShortError` where a rule looks back further than transfers are kept."""
    needed = ruleset.span + timedelta(seconds=settings.late_after_seconds)
    if settings.retention < needed:
        raise RetentionTooShortError(
            f"ALERTING_RETENTION_DAYS is {settings.retention_days:g}, and the longest window of "
            f"the rules with ALERTING_LATE_AFTER_SECONDS needs {needed / timedelta(days=1):.2f} "
            "days: raise the setting, or draft a version of the rule with a shorter window."
        )


def delete_some(connection: psycopg.Connection, kept: timedelta) -> dict[str, int]:
    """Delete a chunk of each table, each in its own transaction; how many rows went."""
    deleted = {}
    bounds = {"kept": kept, "remembered": REMEMBERED, "chunk": CHUNK}
    for table, statement in _DELETE.items():
        with connection.transaction():
            cursor = connection.execute(statement, bounds)
            deleted[table] = cursor.rowcount
    return deleted
