"""What the rules in force would raise on delivered days, beside the reminders that there are.

The live functions judge the delivered files; nothing is written. So a change of rules, a standstill
or a repaired fault can be seen in its effect before anybody has the core send a day again.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Literal, get_args
from uuid import UUID

import psycopg

from alerting import history, ledger, ledger_events
from alerting.evaluation import Firing
from alerting.reminders import message_of
from alerting.ruleset import Ruleset
from alerting.scopes import Find
from crm_shared.clock import bank_date
from crm_shared.errors import UsageError
from crm_shared.events import reminders
from crm_shared.events.reminders import ReminderRaised

_EXAMPLES = 5

#: What would become of a reminder: it stands and would again, alike or with other values; nobody
#: has raised it; it was withdrawn and would stand; it stands and would not be raised.
Becomes = Literal["same", "changed", "new", "again", "withdrawn"]
OUTCOMES: tuple[Becomes, ...] = get_args(Becomes)

_STANDING = """
with wanted as (
    select unnest(%(ids)s::uuid[]) as reminder_id
    union
    select reminder_id from alerting.outbox
    where business_date between %(first)s and %(last)s
      and rule_version is not null and rule_code = any (%(codes)s)
)
select r.reminder_id, r.rule_code, r.state, told.message
from wanted join alerting.reminders r using (reminder_id)
left join lateral (
    select message, business_date from alerting.outbox
    where reminder_id = r.reminder_id and rule_version is not null order by seq desc limit 1
) told on true
where r.reminder_id = any (%(ids)s)
   or r.state = 'raised' and told.business_date between %(first)s and %(last)s
"""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules say about the days: reminders by id; and the rules they cannot say it by.

    `without_type` customers were taken as individuals, as no delivered row says what they are;
    `assumed` are sentences on what else the files do not say.
    """

    first: date
    last: date
    events: int
    without_type: int
    found: Mapping[UUID, Firing]
    judged: Sequence[str]
    not_judged: Mapping[str, str]
    assumed: Sequence[str]


def judge(rules: Ruleset, landing: Path, first: date, last: date, find: Find) -> Replayed:
    """Judge the delivered days, the first and the last, by these rules."""
    if first > last:
        raise UsageError(f"The range ends before it begins: --from {first}, --to {last}.")
    not_judged = {
        one.rule.code: reason
        for one in rules.rules
        if (reason := ledger_events.why_not(one.rule.judges, landing, first, last))
    }
    known = Ruleset(
        *(tuple(one for one in some if one.rule.code not in not_judged)
          for some in (rules.stateless, rules.windowed))
    )  # fmt: skip
    if not known.rules:
        raise UsageError(
            f"{landing} has no events from {first} to {last}: name the folder of the delivered "
            "files (--landing or CRM_LANDING_DIR) and days that were delivered."
        )
    kinds = {one.rule.judges for one in known.rules}
    events = list(ledger_events.read(landing, kinds, first, last, known.span))
    found = {
        reminder_id: one
        for reminder_id, one in history.reminders_of(events, known, find).items()
        if first <= bank_date(one.event.occurred_at) <= last
    }
    codes = sorted(one.rule.code for one in known.rules)
    without_type = 0
    if ledger.is_delivered(landing, first, last, "transactions"):
        without_type = ledger.customers_without_type(landing, first, last)
    assumed = ledger_events.caveats(kinds, landing, first, last)
    return Replayed(first, last, len(events), without_type, found, codes, not_judged, assumed)


@dataclass(frozen=True, slots=True)
class Difference:
    """A reminder as it stands (`before`, None: not told or not kept) and as judged again."""

    outcome: Becomes
    rule_code: str
    reminder_id: UUID
    before: ReminderRaised | None
    after: ReminderRaised | None

    def example(self) -> dict[str, Any]:
        """The two sides, for people."""
        one = self.after or self.before
        return {
            "outcome": self.outcome,
            "reminder_id": str(self.reminder_id),
            "customer_id": one.customer_id if one else None,
            "window": one.window if one else None,
            "before": dict(self.before.facts) if self.before else None,
            "after": dict(self.after.facts) if self.after else None,
        }


def compare(connection: psycopg.Connection, replayed: Replayed) -> list[Difference]:
    """What would become of each reminder of the days, beside what the database has."""
    rows = connection.execute(
        _STANDING,
        {
            "ids": list(replayed.found),
            "codes": list(replayed.judged),
            "first": replayed.first,
            "last": replayed.last,
        },
    ).fetchall()
    known = {row[0]: row[1:] for row in rows}
    compared = []
    for reminder_id, firing in replayed.found.items():
        after = message_of(firing, 1)
        _, state, message = known.pop(reminder_id, (None, None, None))
        before = _raised(message)
        outcome: Becomes = "new"
        if state == "withdrawn":
            outcome = "again"
        elif state == "raised":
            outcome = "changed" if before and _said(before) != _said(after) else "same"
        compared.append(Difference(outcome, after.rule_code, reminder_id, before, after))
    for reminder_id, (code, _, message) in known.items():
        compared.append(Difference("withdrawn", code, reminder_id, _raised(message), None))
    return compared


def summary(replayed: Replayed, compared: Sequence[Difference]) -> dict[str, Any]:
    """Counts by rule and outcome, some examples of all that is not the same."""
    by_rule = {}
    for code in replayed.judged:
        ours = [one for one in compared if one.rule_code == code]
        counts = Counter(one.outcome for one in ours)
        some = [
            one.example()
            for outcome in OUTCOMES[1:]
            for one in islice((it for it in ours if it.outcome == outcome), _EXAMPLES)
        ]
        by_rule[code] = {one: counts[one] for one in OUTCOMES} | {"examples": some}
    return {
        "from": str(replayed.first),
        "to": str(replayed.last),
        "events": replayed.events,
        "customers_without_type": replayed.without_type,
        "rules": by_rule,
        "not_judged": dict(replayed.not_judged),
        "assumed": list(replayed.assumed),
    }


def _raised(message: bytes | None) -> ReminderRaised | None:
    told = reminders.ADAPTER.validate_json(message) if message else None
    return told if isinstance(told, ReminderRaised) else None


def _said(one: ReminderRaised) -> tuple[Any, ...]:
    return one.amount, one.currency, one.facts
