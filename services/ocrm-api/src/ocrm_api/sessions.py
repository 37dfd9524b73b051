"""Sessions: opaque tokens, of which the database knows the hash only."""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from ocrm_api import scope as scopes
from ocrm_api.access import Access, HeldRole, Publication, access_of
from ocrm_api.scope import Scope

#: What a token looks like.
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks, what they may do, and what they may see in this operation."""

    user_id: UUID
    session_id: UUID
    login: str
    employee_id: str
    roles: tuple[HeldRole, ...]
    permissions: frozenset[str]
    scope: Scope
    published_on: date | None

    @property
    def role_names(self) -> list[str]:
        """The roles held anywhere."""
        return sorted({held.role for held in self.roles})


def token_hash(token: str) -> bytes:
    """What the database keeps of a token."""
    return hashlib.sha256(token.encode()).digest()


_FIND = text("""
select s.session_id, s.user_id, s.roles, s.scopes, s.publication_run_id, u.login, u.employee_id,
       p.run_id as current_run_id, p.business_date, c.scope_key, c.branch_ids,
       set_config('app.scope', coalesce(c.scope_key, ''), true)
from ocrm.sessions s
join ocrm.users u on u.user_id = s.user_id and u.is_active
left join lateral (
    select run_id, business_date from acrm.publications order by business_date desc limit 1
) p on true
left join ocrm.scopes c on c.scope_key = s.scopes ->> :permission
where s.token_hash = :token_hash and s.expires_at > now()
""")

_REFRESH = text("""
update ocrm.sessions set roles = :roles, scopes = :scopes, publication_run_id = :run_id
where session_id = :session_id
""").bindparams(bindparam("roles", type_=JSONB), bindparam("scopes", type_=JSONB))

_CREATE = text("""
insert into ocrm.sessions (token_hash, session_id, user_id, expires_at, roles, scopes,
                           publication_run_id)
values (:token_hash, :session_id, :user_id, :expires_at, :roles, :scopes, :run_id)
""").bindparams(bindparam("roles", type_=JSONB), bindparam("scopes", type_=JSONB))


async def create(
    session: AsyncSession,
    user_id: UUID,
    access: Access,
    publication: Publication | None,
    expires_at: datetime,
) -> tuple[str, UUID]:
    """Start a session; returns its token, which is shown once, and its id."""
    token, session_id = secrets.token_urlsafe(32), uuid4()
    await scopes.ensure(session, access.scopes.values())
    await session.execute(
        _CREATE,
        _stored(access)
        | {
            "token_hash": token_hash(token),
            "session_id": session_id,
            "user_id": user_id,
            "expires_at": expires_at,
            "run_id": publication.run_id if publication else None,
        },
    )
    return token, session_id


async def find(session: AsyncSession, token: str, permission: str) -> Viewer | None:
    """The viewer behind a token, with the scope of the permission entered on this transaction.

    Roles are those of the current publication: the first request after a new one works them out
    again, so a role that ended yesterday gives nothing today.
    """
    parameters = {"token_hash": token_hash(token), "permission": permission}
    row = (await session.execute(_FIND, parameters)).one_or_none()
    if row is not None and row.current_run_id != row.publication_run_id:
        access = await access_of(session, row.employee_id, row.business_date)
        await scopes.ensure(session, access.scopes.values())
        await session.execute(
            _REFRESH,
            _stored(access) | {"run_id": row.current_run_id, "session_id": row.session_id},
        )
        row = (await session.execute(_FIND, parameters)).one_or_none()
    return None if row is None else _viewer(row)


async def scope_of_permission(
    session: AsyncSession, viewer: Viewer, permission: str
) -> Scope | None:
    """Where the viewer holds another permission than the operation's; None where nowhere."""
    row = (
        await session.execute(
            text(
                "select c.scope_key, c.branch_ids from ocrm.sessions s"
                " join ocrm.scopes c on c.scope_key = s.scopes ->> :permission"
                " where s.session_id = :session_id"
            ),
            {"permission": permission, "session_id": viewer.session_id},
        )
    ).one_or_none()
    return None if row is None else Scope(row.scope_key, tuple(row.branch_ids))


async def end(session: AsyncSession, session_id: UUID) -> None:
    """End a session: its token is worth nothing from now on."""
    await session.execute(
        text("delete from ocrm.sessions where session_id = :session_id"),
        {"session_id": session_id},
    )


def _stored(access: Access) -> dict[str, Any]:
    return {
        "roles": [{"role": held.role, "org_id": held.org_id} for held in access.roles],
        "scopes": {permission: scope.key for permission, scope in access.scopes.items()},
    }


def _viewer(row: Any) -> Viewer:
    return Viewer(
        user_id=row.user_id,
        session_id=row.session_id,
        login=row.login,
        employee_id=row.employee_id or "",
        roles=tuple(HeldRole(held["role"], held["org_id"]) for held in row.roles),
        permissions=frozenset(row.scopes),
        scope=Scope(row.scope_key or "", tuple(row.branch_ids or ())),
        published_on=row.business_date,
    )
