"""Use cases of reminders: the steps of their life, one by one or many at a time; their look."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, assert_never
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock
from ocrm_api import audit, parameters
from ocrm_api.conditional import require_match
from ocrm_api.languages import Language
from ocrm_api.problems import REGISTRY, NotFound, Problem
from ocrm_api.reminders import repository, texts
from ocrm_api.reminders.errors import ReminderOfAnother, SnoozeTooLong
from ocrm_api.reminders.models import Reminder
from ocrm_api.reminders.outcomes import OUTCOMES
from ocrm_api.reminders.parameters import SNOOZE_MAX_DAYS
from ocrm_api.reminders.schemas import (
    AcknowledgeStep,
    AnyStep,
    BatchItem,
    FinishStep,
    SeeStep,
    SnoozeStep,
    WakeStep,
)
from ocrm_api.reminders.telling import Happened, tell_within
from ocrm_api.reminders.transitions import STATUS_NAMES, TRANSITIONS, steps_from
from ocrm_api.scope import Scope
from ocrm_api.sessions import Viewer, scope_of_permission

#: What is kept of a refusal, so that a repetition can say it again: its code and its values.
Kept = dict[str, Any]


async def take(
    session: AsyncSession,
    viewer: Viewer,
    reminder_id: UUID,
    if_match: str | None,
    step: AnyStep,
    *,
    request_id: str,
) -> None:
    """Take a step with one reminder; raises the problem that stands in its way."""
    found = await repository.to_change(session, viewer.scope, [reminder_id])
    last_days = await _last_days(session, viewer, step, found.values())
    headed = await scope_of_permission(session, viewer, "reminders.handle_for_others")
    reminder = found.get(reminder_id)
    step = _complete(step, reminder, last_days)
    before = _step(reminder, viewer, headed, if_match, step)
    await _note(session, viewer, [(found[reminder_id], before, step)], request_id)


async def take_many(
    session: AsyncSession,
    viewer: Viewer,
    items: Sequence[BatchItem],
    step: AnyStep,
    *,
    request_id: str,
) -> list[Kept | None]:
    """Take a step with each reminder that can; for the others, the code and values of why not.

    Each is a fact of its own, so what stands in the way of one does not hold up the others.
    """
    found = await repository.to_change(session, viewer.scope, [one.reminder_id for one in items])
    last_days = await _last_days(session, viewer, step, found.values())
    headed = await scope_of_permission(session, viewer, "reminders.handle_for_others")
    changed, results = [], list[Kept | None]()
    for item in items:
        reminder = found.get(item.reminder_id)
        try:
            one = _complete(step, reminder, last_days)
            before = _step(reminder, viewer, headed, item.etag, one)
        except Problem as problem:
            results.append({"code": problem.code, "values": problem.values})
        else:
            changed.append((found[item.reminder_id], before, one))
            results.append(None)
    await _note(session, viewer, changed, request_id)
    return results


def _step(
    reminder: Reminder | None,
    viewer: Viewer,
    headed: Scope | None,
    if_match: str | None,
    step: AnyStep,
) -> str:
    """Check and change; the state before. Nothing is changed where a problem is raised."""
    if reminder is None:
        raise NotFound
    if not reminder.is_for(viewer.employee_id, viewer.scope, headed):
        raise ReminderOfAnother
    require_match(if_match, reminder.etag)
    before, by, at = reminder.status, viewer.employee_id, clock.now()
    match step:
        case FinishStep():
            reminder.finish(by, at, step.outcome_code, step.note)
        case SnoozeStep(until_on=until_on) if until_on is not None:
            reminder.snooze(by, at, until_on, step.until_event)
        case SnoozeStep():
            raise AssertionError("a snooze was not completed with its last day")
        case SeeStep():
            reminder.see(by, at)
        case AcknowledgeStep():
            reminder.acknowledge(by, at)
        case WakeStep():
            reminder.wake(at)
        case _:
            assert_never(step)
    return before


async def _last_days(
    session: AsyncSession, viewer: Viewer, step: AnyStep, reminders: Collection[Reminder]
) -> dict[str, date]:
    """By lead branch the last day until which its legal entity lets a reminder be snoozed."""
    if not isinstance(step, SnoozeStep):
        return {}
    today = clock.bank_date(clock.now())
    values = await parameters.in_force(session, today)
    branches = {one.lead_branch_id for one in reminders}
    entities = await repository.legal_entities(session, viewer.published_on, branches)
    return {
        branch: today
        + timedelta(days=values.of(SNOOZE_MAX_DAYS, entities.get(branch, parameters.EVERY)))
        for branch in branches
    }


def _complete(step: AnyStep, reminder: Reminder | None, last_days: Mapping[str, date]) -> AnyStep:
    """A snooze with its last day, which must be one that may be chosen for this reminder."""
    if not isinstance(step, SnoozeStep) or reminder is None:
        return step
    today, last = clock.bank_date(clock.now()), last_days[reminder.lead_branch_id]
    until_on = step.until_on or last
    if not today < until_on <= last:
        raise SnoozeTooLong(first=today + timedelta(days=1), last=last)
    return step.model_copy(update={"until_on": until_on})


async def _note(
    session: AsyncSession,
    viewer: Viewer,
    changed: Sequence[tuple[Reminder, str, AnyStep]],
    request_id: str,
) -> None:
    """Write the changes, the audit log and the stream."""
    await session.flush()
    told = []
    for reminder, before, step in changed:
        event = TRANSITIONS[step.step].event
        more = step.model_dump(mode="json", exclude={"step", "note"}, exclude_none=True)
        told.append(Happened(reminder.reminder_id, event))
        await audit.record(
            session,
            viewer,
            f"reminder.{event}",
            ("reminder", reminder.reminder_id),
            request_id=request_id,
            details=more | {"from": before, "to": reminder.status, "version": reminder.version},
        )
    await tell_within(session, told)


async def results_of(
    session: AsyncSession,
    viewer: Viewer,
    items: Sequence[BatchItem],
    kept: Sequence[Kept | None],
    language: Language,
) -> dict[str, Any]:
    """The answer about many: each as it is now, and why it was not changed where it was not."""
    ids = [item.reminder_id for item in items]
    rows = await repository.some(session, viewer.scope, viewer.published_on, ids)
    results = [
        {
            "reminder_id": found,
            "changed": why is None,
            "problem": None if why is None else _refusal(why, language),
            "reminder": shown(rows[found], language) if found in rows else None,
        }
        for found, why in zip(ids, kept, strict=True)
    ]
    changed = sum(why is None for why in kept)
    return {"items": results, "changed": changed, "refused": len(kept) - changed}


def _refusal(why: Kept, language: Language) -> dict[str, Any]:
    problem = REGISTRY[why["code"]](**why["values"])
    body = problem.body(language, "", "")
    return {name: body[name] for name in ("type", "code", "status", "title", "detail")}


def shown(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A reminder as its reader sees it, texts in the reader's language."""
    item = dict(row)
    version, outcome = item.pop("version"), OUTCOMES.get(row["outcome_code"])
    return {
        **item,
        "title": texts.title(row["rule_code"], language),
        "text": texts.text(row, language),
        "withdrawn_reason": texts.withdrawal(row, language),
        "status_name": STATUS_NAMES[row["status"]].in_(language),
        "outcome_name": None if outcome is None else outcome.name.in_(language),
        "steps": steps_from(row["status"]),
        "etag": f'"{version}"',
    }


def changes(rows: Sequence[Mapping[str, Any]], language: Language) -> list[dict[str, Any]]:
    """A history as its reader sees it: the reason of a withdrawal in the reader's language."""
    return [
        {name: value for name, value in row.items() if name != "source"}
        | {"reason": texts.reason(row["source"], row["reason"], language)}
        for row in rows
    ]


async def open_reminders(
    session: AsyncSession, viewer: Viewer, customer_id: int, language: Language
) -> list[dict[str, Any]]:
    """The section of the 360 view, for who may read reminders, where that permission holds."""
    scope = await scope_of_permission(session, viewer, "reminders.read")
    if scope is None:
        return []
    rows = await repository.open_of_customer(session, scope, viewer.published_on, customer_id)
    return [shown(row, language) for row in rows]
