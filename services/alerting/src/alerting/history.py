"""What rules say about events of the past, with the very functions that judge live ones.

Nothing is read but legal entities and tiers, and nothing is written: the same events give the same
reminders here and in the stream, in whatever order they come and however often.
"""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from alerting.evaluation import (
    Arrival,
    Change,
    Firing,
    Judgement,
    judge_alone,
    judge_windows,
    settle,
    transfers_of,
)
from alerting.events import Event, Fact, fact_of, retracted_by
from alerting.ruleset import Ruleset
from alerting.scopes import Find
from alerting.windows import Timeline, Transfer
from crm_shared.errors import CrmError
from crm_shared.kafka_records import Record


class NotJudgedError(CrmError):
    """A rule failed on events of the past, so that nobody knows what it would have raised."""

    code = "not_judged"


#: Events of history lie in no topic.
_NOWHERE = Record("history", 0, 0, None, None)


def reminders_of(events: Iterable[Event], ruleset: Ruleset, find: Find) -> dict[UUID, Firing]:
    """By id, the reminders that stand after all of these events, each with a firing it rests on.

    What any of the events takes back counts for nothing, as in the stream.
    """
    unique = {event.event_id: event for event in events}
    arrivals = [Arrival(event, _NOWHERE) for event in unique.values()]
    taken_back = {fact for event in unique.values() if (fact := retracted_by(event)) is not None}
    judgement = Judgement()
    judge_alone(arrivals, ruleset, judgement)
    _judge_transfers(arrivals, taken_back, ruleset, judgement)
    settle(judgement, find)
    if judgement.failures:
        raise NotJudgedError(
            f"The rule raises an error on {len(judgement.failures)} of these events (the first:"
            f" {judgement.failures[0].detail}); correct the parameters, or the rule."
        )
    standing: dict[UUID, Firing] = {}
    for firing in judgement.firings:
        if Fact(firing.outcome.customer_id, fact_of(firing.event)) not in taken_back:
            standing.setdefault(firing.reminder_id, firing)
    return standing


def _judge_transfers(
    arrivals: list[Arrival], taken_back: set[Fact], ruleset: Ruleset, into: Judgement
) -> None:
    if not ruleset.windowed:
        return
    by_customer: dict[int, list[Transfer]] = defaultdict(list)
    changes = []
    for transfer, arrival in transfers_of(arrivals).values():
        if Fact(transfer.customer_id, transfer.fact) not in taken_back:
            by_customer[transfer.customer_id].append(transfer)
            changes.append(
                Change(transfer.customer_id, transfer.occurred_at, arrival, transfer.event_id)
            )
    timelines = {customer: Timeline(transfers) for customer, transfers in by_customer.items()}
    judge_windows(changes, timelines, ruleset, into)
