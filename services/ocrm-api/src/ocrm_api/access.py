"""What an employee may do and see today: roles in force → permissions and their scopes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api.permissions import PERMISSIONS, roles_with
from ocrm_api.scope import UNROUTED, Scope, scope_of


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role and the organisation unit it is held at."""

    role: str
    org_id: str


@dataclass(frozen=True, slots=True)
class Publication:
    """The day that readers see."""

    business_date: date
    run_id: UUID


@dataclass(frozen=True, slots=True)
class Access:
    """Roles in force and the scope of every permission they give."""

    roles: tuple[HeldRole, ...]
    scopes: Mapping[str, Scope]


_BRANCHES_OF_ROLES = text("""
with recursive held as (
    select role, org_id from acrm.employee_roles
    where business_date = :business_date and employee_id = :employee_id
), covered as (
    select held.role, held.org_id as held_at, held.org_id from held
    union
    select covered.role, covered.held_at, unit.org_id
    from covered
    join acrm.org_units unit
      on unit.business_date = :business_date and unit.parent_id = covered.org_id
)
select covered.role, covered.held_at,
       coalesce(array_agg(covered.org_id) filter (where unit.org_type = 'branch'), '{}') as branches
from covered
left join acrm.org_units unit
  on unit.business_date = :business_date and unit.org_id = covered.org_id
group by covered.role, covered.held_at
order by covered.role, covered.held_at
""")


async def current_publication(session: AsyncSession) -> Publication | None:
    """The last published business date and the run that made it."""
    row = (
        await session.execute(
            text(
                "select business_date, run_id from acrm.publications"
                " order by business_date desc limit 1"
            )
        )
    ).one_or_none()
    return None if row is None else Publication(row.business_date, row.run_id)


async def access_of(session: AsyncSession, employee_id: str | None, business_date: date) -> Access:
    """The employee's access on a business date; nobody's is empty."""
    if employee_id is None:
        return Access((), {})
    rows = await session.execute(
        _BRANCHES_OF_ROLES, {"business_date": business_date, "employee_id": employee_id}
    )
    found = [(HeldRole(row.role, row.held_at), tuple(row.branches)) for row in rows]
    return Access(tuple(role for role, _ in found), _scopes(found))


def _scopes(found: Iterable[tuple[HeldRole, tuple[str, ...]]]) -> dict[str, Scope]:
    held = list(found)
    scopes = {}
    for permission in sorted(PERMISSIONS):
        giving = roles_with(permission)
        branches = [branches for role, branches in held if role.role in giving]
        if permission == "operations.read" and branches:
            branches = [(UNROUTED,)]
        if branches:
            scopes[permission] = scope_of(branch for part in branches for branch in part)
    return scopes
