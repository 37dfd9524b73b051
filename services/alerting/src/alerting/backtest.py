"""What a rule with other parameters would have raised on delivered days, beside the one in force.

The live functions judge; only the days of the range count, though windows reach back before it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from alerting import history, ledger, ledger_events
from alerting.evaluation import Firing
from alerting.events import Event
from alerting.ledger_events import NOT_DELIVERED, SOURCES
from alerting.managers import Lead
from alerting.ruleset import RuleInForce, Ruleset, ruleset_of
from alerting.scopes import Find
from crm_shared.clock import bank_date
from crm_shared.errors import UsageError

_SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Backtest:
    """Reminders of the proposal and of the version in force, over the same days, of which `events`
    were judged; those before, for windows, and reversals after are not counted.

    `without_type` customers were taken as individuals, as no delivered row says what they are;
    `assumed` are sentences on what else the files do not say.
    """

    code: str
    first: date
    last: date
    events: int
    without_type: int
    assumed: Sequence[str]
    proposed: Mapping[UUID, Firing]
    in_force: Mapping[UUID, Firing]

    def summary(self, lead: Lead) -> dict[str, Any]:
        """Counts in all, by day, by branch and by the manager who would have received them (None:
        nobody knows them); what both say, and examples of what is new and of what is no longer."""
        both = self.proposed.keys() & self.in_force.keys()
        new = [one for key, one in self.proposed.items() if key not in both]
        gone = [one for key, one in self.in_force.items() if key not in both]
        return {
            "code": self.code,
            "from": str(self.first),
            "to": str(self.last),
            "events": self.events,
            "customers_without_type": self.without_type,
            "assumed": list(self.assumed),
            "proposed": len(self.proposed),
            "in_force": len(self.in_force),
            "both": len(both),
            "only_proposed": len(new),
            "only_in_force": len(gone),
            "by_day": _counted(self.proposed, _day),
            "by_day_in_force": _counted(self.in_force, _day),
            "by_branch": _counted(self.proposed, lambda one: one.event.branch_id or "-"),
            **self._by_manager(lead),
            "sample": [*_examples(new, "new"), *_examples(gone, "no_longer")],
        }

    def _by_manager(self, lead: Lead) -> dict[str, dict[str, int] | None]:
        sides = {"by_manager": self.proposed, "by_manager_in_force": self.in_force}
        managers = lead(
            {one.outcome.customer_id for found in sides.values() for one in found.values()}
        )
        if managers is None:
            return dict.fromkeys(sides)

        def manager(one: Firing) -> str:
            return managers.get(one.outcome.customer_id) or f"V:{one.event.branch_id}"

        return {name: _counted(found, manager) for name, found in sides.items()}


def run(
    code: str,
    proposed: Mapping[str, Any],
    in_force: RuleInForce,
    landing: Path,
    days: tuple[date, date],
    *,
    find: Find,
) -> Backtest:
    """Judge the days, the first and the last, by the proposed parameters and by those in force."""
    first, last = days
    if first > last:
        raise UsageError(f"The range ends before it begins: --from {first}, --to {last}.")
    other = ruleset_of([(code, in_force.version, proposed)])
    live = Ruleset(*((), (in_force,)) if in_force.rule.window else ((in_force,), ()))
    judges = in_force.rule.judges
    if judges not in SOURCES:
        raise UsageError(f"{code} cannot be tried on days of the past: {NOT_DELIVERED}.")
    window = max(other.span, live.span)
    events = list(ledger_events.read(landing, {judges}, first, last, window))
    booked = "transactions" in SOURCES[judges].tables
    without_type = ledger.customers_without_type(landing, first, last) if booked else 0
    return Backtest(
        code, first, last, _number_within(events, first, last), without_type,
        ledger_events.caveats({judges}, landing, first, last),
        _within(history.reminders_of(events, other, find), first, last),
        _within(history.reminders_of(events, live, find), first, last),
    )  # fmt: skip


def _number_within(events: Sequence[Event], first: date, last: date) -> int:
    return sum(first <= bank_date(one.occurred_at) <= last for one in events)


def _within(found: Mapping[UUID, Firing], first: date, last: date) -> dict[UUID, Firing]:
    return {
        reminder_id: one
        for reminder_id, one in found.items()
        if first <= bank_date(one.event.occurred_at) <= last
    }


def _day(one: Firing) -> str:
    return str(bank_date(one.event.occurred_at))


def _counted(found: Mapping[UUID, Firing], by: Any) -> dict[str, int]:
    return dict(sorted(Counter(by(one) for one in found.values()).items()))


def _examples(firings: list[Firing], change: str) -> Iterator[dict[str, Any]]:
    """A few of them, from the first day to the last."""
    firings.sort(key=lambda one: (one.event.occurred_at, one.reminder_id))
    for one in firings[:: max(1, len(firings) // _SAMPLE)][:_SAMPLE]:
        yield {"change": change, **_example(one)}


def _example(one: Firing) -> dict[str, Any]:
    return {
        "customer_id": one.outcome.customer_id,
        "window": one.outcome.window,
        "parameters_of": one.scope.words,
        "value": one.outcome.facts.get("value"),
        "threshold": one.outcome.facts.get("threshold"),
    }
