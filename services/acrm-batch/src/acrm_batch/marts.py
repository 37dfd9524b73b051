"""Wide marts: the rows an author wrote, the spine, with every indicator of a grain beside them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from acrm_batch.catalogue import Catalogue, Indicator
from acrm_batch.families import CUSTOMER, PLACE, family_of, key_of, typed
from acrm_batch.model import Model
from crm_shared.errors import UsageError

_WORD = re.compile(r"\w+")
_LEADING_COMMENT = re.compile(r"((?:--[^\n]*\n)*)(.*)", re.DOTALL)

#: How a wide mart's spine meets the roll-up of a family, by the mart's grain.
_JOINED = {
    "customer_branch": "{family}.customer_id = spine.customer_id"
    " and {family}.branch_id = spine.branch_id",
    "customer": "{family}.customer_id = spine.customer_id",
    "manager": "{family}.grain = 'manager' and {family}.org_id = spine.branch_id"
    " and {family}.manager_id = spine.manager_id",
    "branch": "{family}.grain = spine.org_type"
    " and {family}.org_id = case spine.org_type when 'union' then '' else spine.org_id end",
}


#: Rows of a grain that a family has beside those of the spine: business that nobody covers now.
_ROWS = {
    "customer_branch": "select branch_id, customer_id from {rolled}"
    " where customer_id in (select customer_id from int_customers)",
    "manager": "select org_id, manager_id from {rolled} where grain = 'manager'",
}


#: What a row is known by at grains of few rows and hundreds of columns, and how many roll-ups are
#: joined at a time there: each join hands on all columns so far, which is most of the work.
_KEYS_OF_FEW = {"manager": ("branch_id", "manager_id"), "branch": ("org_type", "org_id")}
_JOINED_AT_ONCE = 6


@dataclass(frozen=True)
class _Beside:
    """What stands beside the spine: a relation, how it is met, and the columns taken of it."""

    relation: str
    on: str
    columns: Mapping[str, str]


#: Everything known of an active customer in one row: the tags beside the mart.
CUSTOMERS_WITH_TAGS = """
select
    mart.*,
    tagged.* exclude (
        customer_id, legal_entity_id, lead_branch_id, covering_branches, is_key_customer
    )
from mart_customers as mart
inner join tag_customers as tagged on tagged.customer_id = mart.customer_id
"""


def with_full_marts(models: Mapping[str, Model], catalogue: Catalogue) -> dict[str, Model]:
    """The models, those that ask for the families of a grain with their columns."""
    return {
        name: full_mart(model, catalogue, models) if model.families else model
        for name, model in models.items()
    }


def full_mart(model: Model, catalogue: Catalogue, models: Mapping[str, Model]) -> Model:
    """The author's rows, the spine, with every indicator of a grain beside them."""
    grain = str(model.families)
    wanted = [
        one for one in catalogue.at_grain(grain) if family_of(one, grain) not in model.without
    ]
    beside, rows = [], []
    for family in dict.fromkeys(family_of(one, grain) for one in wanted):
        rolled = _rolled(family, grain, models)
        relations = {family: rolled}
        of_family = [one for one in wanted if family_of(one, grain) == family]
        if any(one.compared for one in of_family):
            # Who has nothing any more has changed, too.
            relations[f"{family}_orgs_changes"] = f"{rolled}_changes"
        for alias, relation in relations.items():
            columns = {
                one.column: _filled(one, family, is_rolled=rolled != f"ind_{family}")
                for one in of_family
                if (one.compared is not None) == (alias != family)
            }
            on = _JOINED[grain].format(family=alias)
            beside.append(_Beside(f"{relation} as {alias}", on, columns))
            if grain in _ROWS:
                rows.append(_ROWS[grain].format(rolled=relation))
    grain_said, spine = _LEADING_COMMENT.match(model.sql).groups()  # type: ignore[union-attr]
    spine = "\nunion\n".join([spine, *rows])
    sql = f"{grain_said}with spine as (\n{spine}\n)" + _joined(beside, _KEYS_OF_FEW.get(grain))
    return replace(model, sql=sql, audits=(*model.audits, *_adding_up(grain, wanted)))


def _joined(beside: list[_Beside], keys: tuple[str, ...] | None) -> str:
    """The rest of a query whose first relation is the spine: its rows with everything beside them,
    where it has keys by way of a few narrower relations."""
    if keys is None:
        return f"\n\n{_select('spine.*', beside)}"
    relations = ""
    parts: list[_Beside] = []
    for first in range(0, len(beside), _JOINED_AT_ONCE):
        part, of_part = f"part_{len(parts)}", beside[first : first + _JOINED_AT_ONCE]
        select = _select(", ".join(f"spine.{key}" for key in keys), of_part)
        relations += f",\n\n{part} as (\n{select}\n)"
        on = " and ".join(f"{part}.{key} = spine.{key}" for key in keys)
        columns = {name: f"{part}.{name}" for one in of_part for name in one.columns}
        parts.append(_Beside(part, on, columns))
    return f"{relations}\n\n{_select('spine.*', parts)}"


def _select(spine: str, beside: list[_Beside]) -> str:
    columns = [f"    {value} as {name}" for one in beside for name, value in one.columns.items()]
    joins = [f"left join {one.relation}\n    on {one.on}" for one in beside]
    return "\n".join((f"select\n    {spine},", ",\n".join(columns), "from spine", *joins))


def _adding_up(grain: str, indicators: list[Indicator]) -> tuple[dict[str, Any], ...]:
    """What branches know of a customer comes to what the union knows: amounts of every customer,
    numbers in total."""
    if grain != "customer_branch":
        return ()
    adding = [one for one in indicators if one.additive and "customer" in one.grains]
    return tuple(
        {
            "equal_sums": {
                "with": "mart_customers",
                "by": by,
                "at_once": bool(by),
                "columns": [one.column for one in adding if (one.unit == "money") == bool(by)],
            }
        }
        for by in (["customer_id"], [])
    )


def _rolled(family: str, grain: str, models: Mapping[str, Model]) -> str:
    key = key_of(family, models)
    if grain == "customer_branch" and key != PLACE:
        raise UsageError(f"Family {family} is not kept by customer and branch; correct its grains.")
    if grain == "customer_branch" or (grain == "customer" and key == CUSTOMER):
        return f"ind_{family}"
    return f"ind_{family}_customers" if grain == "customer" else f"ind_{family}_orgs"


def _filled(one: Indicator, family: str, *, is_rolled: bool) -> str:
    if one.compared is not None:
        return f"{family}_orgs_changes.{one.column}"
    value = f"{family}.{one.column}" if is_rolled else typed(one, _qualified(one, family))
    return f"coalesce({value}, 0)" if one.has_zero else value


def _qualified(one: Indicator, family: str) -> str:
    """A row's value with the measures named as those of a family."""
    measures = one.measures
    return _WORD.sub(
        lambda word: f"{family}.{word[0]}" if word[0] in measures else word[0], one.row_sql
    )
