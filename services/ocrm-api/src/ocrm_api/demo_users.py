"""Users of a demo: real employees of the current publication, with built-in passwords."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg

from crm_shared import postgres
from crm_shared.errors import NotReadyError, UsageError
from ocrm_api.passwords import hash_password
from ocrm_api.reminders import routing
from ocrm_api.settings import Settings


@dataclass(frozen=True, slots=True)
class DemoUser:
    """A login to try, and why this employee."""

    login: str
    password: str
    role: str
    employee_id: str
    branch_ids: list[str]
    why: str


@dataclass(frozen=True, slots=True)
class _Pick:
    login: str
    employee_id: str
    why: str


_MANAGER = """
select c.manager_id, c.branch_id, count(distinct c.customer_id) as customers,
       count(distinct r.reminder_id) as reminders
from acrm.coverage c
join acrm.employee_roles e on e.business_date = c.business_date and e.employee_id = c.manager_id
 and e.org_id = c.branch_id and e.role = 'relationship_manager'
join acrm.employee_roles h on h.business_date = c.business_date and h.org_id = c.branch_id
 and h.role = 'branch_head'
left join ocrm.reminders r on r.owner_id = c.manager_id and r.customer_id = c.customer_id
 and r.status = 'new'
where c.business_date = %(day)s and c.role = 'lead'
group by c.manager_id, c.branch_id
order by (count(distinct r.reminder_id) > 0) desc,
         exists (select from acrm.coverage a where a.business_date = %(day)s and a.role = 'assist'
                 and a.lead_branch_id = c.branch_id and a.branch_id <> c.branch_id) desc,
         count(distinct r.reminder_id) desc, count(distinct c.customer_id) desc, c.manager_id
limit 1
"""

_HEAD = """
select employee_id from acrm.employee_roles
where business_date = %(day)s and role = 'branch_head' and org_id = %(branch)s
order by employee_id limit 1
"""

_ASSISTING_HEAD = """
select h.employee_id, a.branch_id, count(*) as customers
from acrm.coverage a
join acrm.employee_roles h on h.business_date = a.business_date and h.org_id = a.branch_id
 and h.role = 'branch_head'
where a.business_date = %(day)s and a.role = 'assist' and a.lead_branch_id = %(branch)s
  and a.branch_id <> a.lead_branch_id
group by h.employee_id, a.branch_id
order by count(*) desc, a.branch_id, h.employee_id
limit 1
"""

_OPERATIONS = """
select employee_id from acrm.employee_roles
where business_date = %(day)s and role = 'operations' order by employee_id limit 1
"""

_ROLES = """
select role, array_agg(org_id order by org_id) from acrm.employee_roles
where business_date = %(day)s and employee_id = %(employee_id)s group by role order by role
"""

_SAVE = """
insert into ocrm.users (user_id, login, employee_id, password_hash) values (%s, %s, %s, %s)
on conflict (login) do update
set employee_id = excluded.employee_id, password_hash = excluded.password_hash, is_active = true
"""

#: Whoever was logged in by the old password, or as the old employee, is out.
_END_SESSIONS = """
delete from ocrm.sessions
where user_id = (select user_id from ocrm.users where login = %s)
"""


def create(settings: Settings, employee_ids: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Make users for the given employees, or for one of each kind of viewer.

    Repeating it gives the same logins new passwords and ends their sessions.
    """
    if not settings.demo:
        raise UsageError("Demo users are for demos only: set OCRM_DEMO=1 on a demo system.")
    url = settings.database_url.get_secret_value()
    with postgres.connect(url, application_name="ocrm-demo-users") as connection:
        day = routing.current(connection, None).day
        if day is None:
            raise NotReadyError("Nothing is published yet; run the batch, then create the users.")
        if employee_ids:
            picks = [_Pick(one.lower(), one, "Named on the command line.") for one in employee_ids]
        else:
            picks = _picks(connection, day)
        return [asdict(_saved(connection, day, pick)) for pick in picks]


def _picks(connection: psycopg.Connection, day: date) -> list[_Pick]:
    at: dict[str, Any] = {"day": day}
    picks = []
    manager = connection.execute(_MANAGER, at).fetchone()
    if manager is not None:
        employee, branch, customers, reminders = manager
        at["branch"] = branch
        picks.append(
            _Pick(
                "manager",
                employee,
                f"Leads {customers} customers of {branch}; {reminders} new reminders.",
            )
        )
        head = connection.execute(_HEAD, at).fetchone()
        if head is not None:
            picks.append(
                _Pick("lead-head", head[0], f"Head of {branch}: sees its customers union-wide.")
            )
        assisting = connection.execute(_ASSISTING_HEAD, at).fetchone()
        if assisting is not None:
            why = (
                f"Head of {assisting[1]}, which assists {assisting[2]} customers that {branch}"
                " leads: sees its own amounts only."
            )
            picks.append(_Pick("assist-head", assisting[0], why))
    operations = connection.execute(_OPERATIONS, at).fetchone()
    if operations is not None:
        picks.append(_Pick("operations", operations[0], "Operations: intake, no customers."))
    return picks


def _saved(connection: psycopg.Connection, day: date, pick: _Pick) -> DemoUser:
    roles = connection.execute(_ROLES, {"day": day, "employee_id": pick.employee_id}).fetchall()
    if not roles:
        raise UsageError(f"{pick.employee_id} holds no role on {day}; name another employee.")
    password = secrets.token_urlsafe(12)
    connection.execute(_SAVE, (uuid4(), pick.login, pick.employee_id, hash_password(password)))
    connection.execute(_END_SESSIONS, (pick.login,))
    return DemoUser(
        login=pick.login,
        password=password,
        role=", ".join(role for role, _ in roles),
        employee_id=pick.employee_id,
        branch_ids=sorted({org for _, held_at in roles for org in held_at}),
        why=pick.why,
    )
