"""What became of a reminder since it was taken in, and why: for operations.

It names reminders, branches and employees, never the customer, an amount or what somebody wrote.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_shared import clock
from ocrm_api import parameters, scope
from ocrm_api.access import current_publication
from ocrm_api.day_list import repository, service
from ocrm_api.db import fetch
from ocrm_api.languages import Language, Text
from ocrm_api.reminders import repository as reminders
from ocrm_api.reminders import service as reminders_service
from ocrm_api.reminders import texts
from ocrm_api.reminders.inhibition import MUTING
from ocrm_api.reminders.parameters import ESCALATION_HOURS
from ocrm_api.reminders.transitions import OPEN, STATUS_NAMES
from ocrm_api.scope import UNROUTED, Scope

Row = Mapping[str, Any]

#: The states in which the head may have to answer.
UNANSWERED = ("new", "seen")

_ONE = text("""
select reminder_id, rule_code, rule_version, status, revision, version, priority, business_date,
       due_on, late, raised_at, received_at, event_branch_id, branch_id, lead_branch_id, owner_id,
       waiting_since, escalated_at, escalated_to, snoozed_until_on, snoozed_until_event,
       withdrawn_at, withdrawn_by, withdrawn_reason, expired_at, done_at, done_by, outcome_code,
       words, customer_id
from ocrm.reminders where reminder_id = :id
""")

_LOUD = text(f"""
select muting.* from ocrm.reminders o
cross join lateral (select loud.reminder_id, loud.rule_code, loud.status {MUTING}) muting
where o.reminder_id = :id order by muting.reminder_id
""")

_OF_LEAD = Text(
    "由客户的主办客户经理 {owner_id} 处理（网点 {lead_branch_id}，{day} 发布的管户）。",
    "It is {owner_id}'s, who leads the customer at branch {lead_branch_id} (coverage of {day}).",
)
_OF_VIRTUAL = Text(
    "客户无人管户，归业务发生网点 {lead_branch_id} 的虚拟客户经理（{day} 发布的管户）。",
    "Nobody leads the customer (coverage of {day}), so it is the virtual manager's of branch"
    " {lead_branch_id}, where it happened.",
)
_OF_NOBODY = Text(
    "主办网点 {lead_branch_id} 没有经理负责该客户（{day} 发布的管户）。",
    "Branch {lead_branch_id} leads the customer, and no manager there does (coverage of {day}).",
)
_UNROUTED = Text(
    "找不到所属网点，仅运维可见；下次发布包含该客户时自动分派。",
    "No branch was found for it, so only operations see it; the next publication that knows the"
    " customer routes it.",
)
_SEEN_AT = Text(
    "业务发生在网点 {branch_id}，该网点也能看到。",
    "Branch {branch_id}, whose business it is, sees it too.",
)
_MUTED = Text(
    "被提醒 {reminder_id}（{rule_code}）抑制，直到该提醒结束；仍可查看和处理。",
    "It is muted by reminder {reminder_id} ({rule_code}) for as long as that is open or snoozed;"
    " it can be listed and handled all the same.",
)
_PLACE = Text(
    "其客户在 {owner_id} 今日清单中排第 {rank}，共 {count} 条提醒；今日预算 {customers} 户，已处理"
    " {seen_to} 户，还可处理 {left} 户，",
    "Its customer is number {rank} in today's list of {owner_id}, with {count} open reminders; of"
    " the day's budget of {customers} customers {seen_to} are seen to and {left} left, so it is ",
)
_WITHIN = Text(_PLACE.zh + "在预算内。", _PLACE.en + "within the budget.")
_BEYOND = Text(_PLACE.zh + "超出预算，列在线下。", _PLACE.en + "beyond it, below the line.")
_NOT_RANKED = Text(
    "不在今日清单中：其客户的提醒都被抑制。",
    "It is not in today's list: all open reminders of its customer are muted.",
)
_SNOOZED = Text("暂缓至 {snoozed_until_on}。", "It is snoozed until {snoozed_until_on}.")
_SNOOZED_UNTIL = Text(
    "暂缓至 {snoozed_until_on}，如先发生 {snoozed_until_event} 则提前恢复。",
    "It is snoozed until {snoozed_until_on}, or until {snoozed_until_event} if that comes first.",
)
_ESCALATED = Text(
    "无人受理，{escalated_at} 上报给 {escalated_to}。",
    "Nobody answered, and at {escalated_at} it went to {escalated_to}.",
)
_NO_HEAD = Text(
    "无人受理，但上级机构没有可上报的负责人。",
    "Nobody answered, and no head was found above its branch to whom it could go.",
)
_WAITS = Text(
    "自 {waiting_since} 起等待；{hours} 个工作小时无人受理则上报负责人。",
    "It waits since {waiting_since}; unanswered for {hours} working hours, it goes to the head.",
)
_WAITS_ONLY = Text(
    "自 {waiting_since} 起等待；该规则不上报。",
    "It waits since {waiting_since}; reminders of this rule do not go to the head.",
)
_WITHDRAWN = Text(
    "由来源 {withdrawn_by} 撤回：{withdrawn_reason}",
    "Its source {withdrawn_by} withdrew it: {withdrawn_reason}",
)
_WITHDRAWN_BY = Text("由来源 {withdrawn_by} 撤回。", "Its source {withdrawn_by} withdrew it.")
_EXPIRED = Text("于 {expired_at} 过期，无人处理。", "It expired at {expired_at}, unhandled.")
_DONE = Text(
    "由 {done_by} 完成，结果 {outcome_code}。",
    "{done_by} finished it, with the outcome {outcome_code}.",
)


async def explain(
    session: AsyncSession, reminder_id: UUID, language: Language
) -> dict[str, Any] | None:
    """The explanation; None where no such reminder was taken in. The session must be committed, and
    sees every branch from now on."""
    whole = await reminders.every_branch(session)
    await scope.ensure(session, [whole])
    await scope.enter(session, whole)
    found = await fetch(session, _ONE.bindparams(id=reminder_id))
    if not found:
        return None
    row = found[0]
    publication = await current_publication(session)
    day = publication.business_date if publication else None
    history = await reminders.history(session, whole, reminder_id)
    muting = await fetch(session, _LOUD.bindparams(id=reminder_id))
    listed = await _listed(session, whole, day, row)
    hours = await _hours(session, day, row)
    told = {**row, "withdrawn_reason": texts.known_reason(row["withdrawn_by"], language)}
    return {
        **{name: value for name, value in told.items() if name not in {"customer_id", "words"}},
        "status_name": STATUS_NAMES[row["status"]].in_(language),
        "routed_by": day,
        "sources": [
            {"source": name, **said} for name, said in sorted((row["words"] or {}).items())
        ],
        "muted_by": muting,
        "day_list": listed,
        "escalation_hours": hours,
        "history": [
            one | {"reason": texts.known_reason(was["source"], language)}
            for one, was in zip(reminders_service.changes(history, language), history, strict=True)
        ],
        "sentences": [
            one.in_(language).format(**{name: _said(value) for name, value in values.items()})
            for one, values in _sentences(told, day, muting, listed, hours)
        ],
    }


async def _listed(
    session: AsyncSession, whole: Scope, day: date | None, row: Row
) -> dict[str, Any] | None:
    """Where it stands in its owner's list of today; None where it is not open, or nobody's."""
    if row["owner_id"] is None or row["status"] not in OPEN:
        return None
    wanted, budget = await service.todays(session, whole, day, row["owner_id"], "all")
    place = await repository.place_of_customer(session, whole, wanted, row["customer_id"])
    if place is None:
        return {"rank": None, "above_line": None, "group": [], "budget": budget}
    return {
        "rank": place["rank"],
        "above_line": place["rank"] <= wanted.above,
        "group": [one["reminder_id"] for one in place["members"]],
        "budget": budget,
    }


async def _hours(session: AsyncSession, day: date | None, row: Row) -> int:
    """Working hours until it goes to the head, by rule and legal entity; 0: never."""
    values = await parameters.in_force(session, clock.bank_date(clock.now()))
    lead = row["lead_branch_id"]
    entity = (await reminders.legal_entities(session, day, [lead])).get(lead, parameters.EVERY)
    return values.of(ESCALATION_HOURS, entity, row["rule_code"])


def _sentences(
    row: Row,
    day: date | None,
    muting: Sequence[Row],
    listed: Row | None,
    hours: int,
) -> Iterator[tuple[Text, Row]]:
    """Why it is where it is, and what will become of it, each with its values."""
    yield _routing(row), {**row, "day": day}
    if row["branch_id"] != row["lead_branch_id"]:
        yield _SEEN_AT, row
    yield from ((_MUTED, one) for one in muting)
    if listed is not None:
        yield _placed(listed), {
            **row, **listed, **listed["budget"], "count": len(listed["group"]),
        }  # fmt: skip
    yield from _ended(row)
    if row["status"] == "snoozed":
        yield (_SNOOZED_UNTIL if row["snoozed_until_event"] else _SNOOZED), row
    elif row["escalated_at"] is not None:
        yield (_ESCALATED if row["escalated_to"] else _NO_HEAD), row
    elif row["status"] in UNANSWERED and row["lead_branch_id"] != UNROUTED:
        yield (_WAITS if hours else _WAITS_ONLY), {**row, "hours": hours}


def _routing(row: Row) -> Text:
    owner = row["owner_id"]
    if row["lead_branch_id"] == UNROUTED:
        return _UNROUTED
    if owner is None:
        return _OF_NOBODY
    return _OF_VIRTUAL if owner.startswith("V:") else _OF_LEAD


def _placed(listed: Row) -> Text:
    if listed["rank"] is None:
        return _NOT_RANKED
    return _WITHIN if listed["above_line"] else _BEYOND


def _ended(row: Row) -> Iterator[tuple[Text, Row]]:
    withdrawn = _WITHDRAWN if row["withdrawn_reason"] else _WITHDRAWN_BY
    ends = {"withdrawn": withdrawn, "expired": _EXPIRED, "done": _DONE}
    if row["status"] in ends:
        yield ends[row["status"]], row


def _said(value: Any) -> Any:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else value
