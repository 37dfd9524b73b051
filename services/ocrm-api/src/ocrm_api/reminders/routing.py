"""Who receives a reminder: the customer's lead manager, as of the last publication; and the head to
whom it goes when nobody answers. The one place where this is decided: a temporary cover or a
hand-over is another source of `owner_id` in `ROUTED`, before the coverage.

The branch of a reminder is the one whose business caused it, so that an assisting branch sees its
own. A fact about all of a customer's business belongs to the lead branch alone. A customer nobody
covers is the virtual manager's of the event's branch; where no branch is known, operations see it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg

from crm_shared.postgres import advisory_key
from ocrm_api.reminders.by_itself import RETURNING, noted
from ocrm_api.reminders.transitions import CLOSED, LIVE, sql
from ocrm_api.scope import UNROUTED, Scope, scope_of

#: Rules whose amount sums business of several branches.
CUSTOMER_WIDE = ("R01.FREQUENT_TRANSFERS_OUT",)

#: Route rows of `given (rule_code, customer_id, event_branch_id)`.
ROUTED = f"""
select given.*,
       coalesce(case when given.rule_code <> all (%(wide)s) then unit.org_id end,
                cover.lead_branch_id, unit.org_id, '{UNROUTED}') as branch_id,
       coalesce(cover.lead_branch_id, unit.org_id, '{UNROUTED}') as lead_branch_id,
       coalesce(cover.manager_id, 'V:' || unit.org_id) as owner_id
from given
left join acrm.coverage cover
  on cover.business_date = %(day)s and cover.customer_id = given.customer_id
 and cover.role = 'lead'
left join acrm.org_units unit
  on unit.business_date = %(day)s and unit.org_id = given.event_branch_id
 and unit.org_type = 'branch'
"""

#: The head for rows of `given (lead_branch_id, owner_id)`: of the branch that leads, else of the
#: next unit above that has one. Nobody is his own head. A row without a head is left out.
HEADED = """
with recursive above as (
    select distinct given.lead_branch_id, given.owner_id, given.lead_branch_id as org_id, 0 as steps
    from given
    union all
    select above.lead_branch_id, above.owner_id, unit.parent_id, above.steps + 1
    from above
    join acrm.org_units unit on unit.business_date = {day} and unit.org_id = above.org_id
    where unit.parent_id is not null
)
select distinct on (above.lead_branch_id, above.owner_id)
       above.lead_branch_id, above.owner_id, role.employee_id as head_id
from above
join acrm.employee_roles role
  on role.business_date = {day} and role.org_id = above.org_id and role.role = 'branch_head'
where role.employee_id is distinct from above.owner_id
order by above.lead_branch_id, above.owner_id, above.steps, role.employee_id
"""

#: The same before anything was published.
UNPUBLISHED = f"""
select given.*, '{UNROUTED}' as branch_id, '{UNROUTED}' as lead_branch_id, null::text as owner_id
from given
"""

_HANDS = (
    "jsonb_build_object('owner_id', owner_id, 'owner_before', owner_before,"
    " 'seen_by', seen_by, 'acknowledged_by', acknowledged_by)"
)
_LIVE = sql(LIVE)
_CLOSED = sql(CLOSED)


def _reroute(statuses: str, columns: str, changed: str) -> str:
    """Some reminders after a place, in an order that an index has. The audit log keeps what the
    owner before had done with those that are to be taken up anew."""
    return f"""
with given as materialized (
    select reminder_id, rule_code, customer_id, event_branch_id from ocrm.reminders
    where status {statuses}
      and (customer_id, reminder_id) > (%(customer_id)s, %(reminder_id)s)
    order by customer_id, reminder_id limit %(limit)s
), routed as ({ROUTED}), changed as (
    update ocrm.reminders r
    set {changed}
    from routed
    where r.reminder_id = routed.reminder_id and r.status {statuses}
      and ({columns.format("r")}) is distinct from ({columns.format("routed")})
    {RETURNING}, old.owner_id is distinct from new.owner_id as is_given, new.owner_id,
              old.owner_id as owner_before, old.seen_by, old.acknowledged_by,
              (old.seen_at, old.acknowledged_at) is distinct from
                  (new.seen_at, new.acknowledged_at) as is_forgotten
), noted as (
    {noted("routed", "intake", _HANDS)} where is_forgotten
)
select last.customer_id, last.reminder_id,
       array(select reminder_id from changed order by reminder_id),
       array(select reminder_id from changed where is_given order by reminder_id)
from (select customer_id, reminder_id from given order by 1 desc, 2 desc limit 1) last
"""


_BRANCHES_OF = "{0}.branch_id, {0}.lead_branch_id"
_MOVED = "branch_id = routed.branch_id, lead_branch_id = routed.lead_branch_id"
_GIVEN = "r.owner_id is distinct from routed.owner_id"
#: What somebody else took up or looked at, the new owner has not: it is new to him, and goes to the
#: head if he does not answer. What is snoozed stays so: the day is the customer's. It wakes new.
_NOT_TAKEN = f"{_GIVEN} and r.acknowledged_by is distinct from routed.owner_id"
_NOT_SEEN = f"{_NOT_TAKEN} and r.seen_by is distinct from routed.owner_id"
#: He has the hours that the old one had; another branch alone gives nobody more time. What the old
#: one did until then lies before, so not the time at which the transaction began.
_BEGINS_ANEW = ", ".join(
    f"{name} = case when {condition} then {anew} else r.{name} end"
    for name, condition, anew in (
        ("status", f"r.status in ('seen', 'acknowledged') and {_NOT_TAKEN}",
         f"case when {_NOT_SEEN} then 'new' else 'seen' end"),
        ("seen_at", _NOT_SEEN, "null"), ("seen_by", _NOT_SEEN, "null"),
        ("acknowledged_at", _NOT_TAKEN, "null"), ("acknowledged_by", _NOT_TAKEN, "null"),
        ("waiting_since", _GIVEN, "clock_timestamp()"),
        ("escalated_at", _GIVEN, "null"), ("escalated_to", _GIVEN, "null"),
    )
)  # fmt: skip
_REROUTE_LIVE = _reroute(
    _LIVE, f"{_BRANCHES_OF}, {{0}}.owner_id",
    f"{_MOVED}, owner_id = routed.owner_id, version = r.version + 1, {_BEGINS_ANEW}",
)  # fmt: skip
#: What is closed keeps its owner and version, but is seen by who may see that business today.
_REROUTE_CLOSED = _reroute(_CLOSED, _BRANCHES_OF, _MOVED)

REROUTED_AT_ONCE = 2_000

#: For a transaction that sees every branch. PostgreSQL guesses that row-level security lets few
#: rows through, and would collect all rows of all branches to find the next part of them; without
#: bitmaps it walks the index that has them in order.
IN_ORDER = "set local enable_bitmapscan = off"


_CLOSED_PLACE = """
select run_id, customer_id, reminder_id from ocrm.closed_routes for update skip locked
"""
_KEEP_CLOSED_PLACE = """
update ocrm.closed_routes
set run_id = %(run_id)s, customer_id = %(customer_id)s, reminder_id = %(reminder_id)s
"""


class Place(NamedTuple):
    """How far reminders have been routed anew."""

    customer_id: int
    reminder_id: UUID


class Part(NamedTuple):
    """Live reminders that moved, those of them that have another owner now, and the place to go on
    after; None at the end."""

    moved: Sequence[UUID]
    given: Sequence[UUID]
    after: Place | None


BEGINNING = Place(-1, UUID(int=0))

#: After a part of the closed ones: there are more; none is left; another process is at it.
Closed = Literal["more", "over", "elsewhere"]


@dataclass(frozen=True, slots=True)
class Published:
    """What reminders are routed by: a publication, and every branch that it or another knows."""

    day: date | None
    run_id: UUID | None
    scope: Scope

    def parameters(self) -> dict[str, object]:
        """The parameters of the routing SQL."""
        return {"day": self.day, "wide": list(CUSTOMER_WIDE)}


def current(connection: psycopg.Connection, known: Published | None) -> Published:
    """The publication of now, and its scope entered on this transaction.

    `known` saves reading the branches again while the publication is the same.
    """
    day, run_id = _publication(connection)
    if known is None or known.run_id != run_id:
        branches = _branches(connection) if day is not None else []
        known = Published(day, run_id, scope_of([*branches, UNROUTED]))
    connection.execute(
        "insert into ocrm.scopes (scope_key, branch_ids) values (%s, %s) on conflict do nothing",
        (known.scope.key, list(known.scope.branch_ids)),
    )
    connection.execute("select set_config('app.scope', %s, true)", (known.scope.key,))
    return known


def reroute(connection: psycopg.Connection, published: Published, after: Place = BEGINNING) -> Part:
    """Bring some live reminders to who leads their customers now.

    A transaction for each part, so that no one waits long for it. Every intake does it, in turns:
    what it took in itself while the publication was made is routed by then, and the second finds
    nothing left to do.
    """
    if published.day is None:
        return Part((), (), None)
    connection.execute("select pg_advisory_xact_lock(%s)", (advisory_key("ocrm reroute"),))
    row = _part(connection, _REROUTE_LIVE, published, after)
    return Part((), (), None) if row is None else Part(row[2], row[3], Place(row[0], row[1]))


def reroute_closed(connection: psycopg.Connection, published: Published) -> Closed:
    """Have some closed reminders seen by who leads their customers now.

    There may be very many of them, so all intakes share one round, the place of which is kept. A
    round that a newer publication overtakes is not begun again but ended, and followed by another:
    however often a bank publishes, every reminder has its turn.
    """
    found = connection.execute(_CLOSED_PLACE).fetchone()
    if found is None:
        return "elsewhere"
    run_id, *last = found
    is_over = last[0] is None
    if published.day is None or (is_over and run_id == published.run_id):
        return "over"
    row = _part(connection, _REROUTE_CLOSED, published, BEGINNING if is_over else Place(*last))
    place = {
        "run_id": published.run_id if is_over else run_id,
        "customer_id": row and row[0], "reminder_id": row and row[1],
    }  # fmt: skip
    connection.execute(_KEEP_CLOSED_PLACE, place)
    return "over" if row is None and place["run_id"] == published.run_id else "more"


def _part(
    connection: psycopg.Connection, statement: str, published: Published, after: Place
) -> tuple[Any, ...] | None:
    connection.execute(IN_ORDER)
    given = published.parameters() | after._asdict() | {"limit": REROUTED_AT_ONCE}
    return connection.execute(statement.encode(), given).fetchone()


def _publication(connection: psycopg.Connection) -> tuple[date | None, UUID | None]:
    found = connection.execute("select to_regclass('acrm.publications') is not null").fetchone()
    if found is None or not found[0]:
        return None, None
    row = connection.execute(
        "select business_date, run_id from acrm.publications order by business_date desc limit 1"
    ).fetchone()
    return (None, None) if row is None else (row[0], row[1])


def _branches(connection: psycopg.Connection) -> list[str]:
    rows = connection.execute(
        "select distinct org_id from acrm.org_units where org_type = 'branch'"
    ).fetchall()
    return [row[0] for row in rows]
