"""The legal entity of a branch and the tier of a customer, as acrm-batch has published them.

An event is judged by the tier of the newest month end that is published and lies at least
`PUBLISHED_WITHIN` before its bank date: tiers are decided at month ends, and published month ends
are kept. So an event has the tier it had when it was first judged, however late it is judged again,
unless that month end was published later than that, or anew.
A branch belongs to the legal entity that it had then; a younger one to the first it was given.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, LiteralString, TypeVar

import psycopg

from alerting.rules.protocol import Parameters, Scope
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError, ServerUnavailableError
from crm_shared.published import TIER_TAGS

#: So long after a month end its publication has come: on the fifth of the next month.
PUBLISHED_WITHIN = timedelta(days=5)

#: Customers asked for in one statement.
_CHUNK = 5_000

_PUBLISHED = "select business_date from acrm.publications order by business_date"

_LEGAL_ENTITIES = """
select org_id, legal_entity_id from acrm.org_units
where business_date = %(as_of)s and org_id = any (%(branches)s) and legal_entity_id is not null
"""

_OF_YOUNGER_BRANCHES = """
select distinct on (org_id) org_id, legal_entity_id from acrm.org_units
where business_date > %(as_of)s and org_id = any (%(branches)s) and legal_entity_id is not null
order by org_id, business_date
"""

_TIERS = """
select customer_id, tier from acrm.customer_tiers
where business_date = %s and customer_id = any (%s)
"""

_NAMES = """
select array(select org_id from acrm.org_units u
             where u.business_date = p.business_date and org_type = 'legal_entity' order by 1),
       array(select lower(split_part(code, '/', 3)) from acrm.dictionary d
             where d.business_date = p.business_date and starts_with(code, %s) order by 1)
from acrm.publications p order by p.business_date desc limit 1
"""

_Name = TypeVar("_Name", str, int)

#: Executes one statement with its values.
_Ask = Callable[[LiteralString, Any], list[tuple[Any, ...]]]


class PublishedUnreadableError(ServerUnavailableError):
    """What acrm-batch publishes cannot be read, so nobody knows which parameters hold."""

    code = "published_unreadable"


class ScopeUnknownError(CrmError):
    """Parameters for a legal entity or a tier that the bank does not have."""

    code = "scope_unknown"


@dataclass(frozen=True, slots=True)
class Found:
    """The legal entity by branch and bank date, the tier by customer and bank date, where known."""

    legal_entities: Mapping[tuple[str, date], str] = field(default_factory=dict)
    tiers: Mapping[tuple[int, date], str] = field(default_factory=dict)

    def scope(self, branch_id: str, customer_id: int, day: date) -> Scope:
        """Where an event of that day belongs."""
        return Scope(self.legal_entities.get((branch_id, day)), self.tiers.get((customer_id, day)))


#: Looks up branches and customers, each on a bank date.
Find = Callable[[Collection[tuple[str, date]], Collection[tuple[int, date]]], Found]


def find(
    connection: psycopg.Connection,
    branches: Collection[tuple[str, date]],
    customers: Collection[tuple[int, date]],
    *,
    each: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Found:
    """Look up all of them together, every statement within `each()` of its own;
    `PublishedUnreadableError` where that cannot be."""

    def ask(statement: LiteralString, values: Any) -> list[tuple[Any, ...]]:
        with each():
            return connection.execute(statement, values).fetchall()

    legal_entities: dict[tuple[str, date], str] = {}
    tiers: dict[tuple[int, date], str] = {}
    with readable():
        month_ends = [day for (day,) in ask(_PUBLISHED, None) if is_month_end(day)]
        for as_of, asked in _by_month_end(month_ends, branches).items():
            entity_of = _legal_entities(ask, as_of, {branch for branch, _ in asked})
            legal_entities |= {one: entity_of[one[0]] for one in asked if one[0] in entity_of}
        for as_of, wanted in _by_month_end(month_ends, customers).items():
            for first in range(0, len(wanted), _CHUNK):
                some = wanted[first : first + _CHUNK]
                tier_of: dict[int, str] = dict(
                    ask(_TIERS, (as_of, [customer for customer, _ in some]))
                )
                tiers |= {one: tier_of[one[0]] for one in some if one[0] in tier_of}
    return Found(legal_entities, tiers)


def _legal_entities(ask: _Ask, as_of: date, branches: set[str]) -> dict[str, str]:
    """As they stood at a month end; nearly all branches are older than that."""
    values = {"as_of": as_of, "branches": sorted(branches)}
    found: dict[str, str] = dict(ask(_LEGAL_ENTITIES, values))
    if younger := sorted(branches - found.keys()):
        found |= dict(ask(_OF_YOUNGER_BRANCHES, values | {"branches": younger}))
    return found


def require_known(connection: psycopg.Connection, given: Parameters) -> None:
    """`ScopeUnknownError` where the newest publication has no such legal entity or tier."""
    if not given.overrides:
        return
    with readable():
        row = connection.execute(_NAMES, (TIER_TAGS,)).fetchone()
    entities, tiers = row or ([], [])
    for what, known, named in (
        ("legal entity", entities, {one.scope.legal_entity for one in given.overrides}),
        ("tier", tiers, {one.scope.tier for one in given.overrides}),
    ):
        unknown = sorted(one for one in named if one is not None and one not in known)
        if unknown:
            listed = ", ".join(known) or "none, as nothing is published yet (`acrm publish`)"
            raise ScopeUnknownError(
                f"There is no {what} {unknown[0]}; acrm-batch has published {listed}."
            )


def _by_month_end(
    month_ends: Iterable[date], asked: Iterable[tuple[_Name, date]]
) -> dict[date, list[tuple[_Name, date]]]:
    """What is asked by the month end whose publication answers it; before all of them, `date.min`
    stands for none."""
    grouped: dict[date, list[tuple[_Name, date]]] = defaultdict(list)
    for one in sorted(asked):
        latest = one[1] - PUBLISHED_WITHIN
        grouped[max((day for day in month_ends if day <= latest), default=date.min)].append(one)
    return grouped


@contextmanager
def readable() -> Iterator[None]:
    """What is read within is published; `PublishedUnreadableError` where it cannot be read."""
    try:
        yield
    except (psycopg.errors.UndefinedTable, psycopg.errors.InsufficientPrivilege) as error:
        reason = str(error).splitlines()[0]
        raise PublishedUnreadableError(
            "Parameters of legal entities and tiers need what acrm-batch publishes, and it cannot "
            f"be read ({reason}): apply deploy/postgres/roles.sql and run `acrm migrate`."
        ) from error
