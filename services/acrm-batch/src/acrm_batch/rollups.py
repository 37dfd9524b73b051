"""Models that nobody writes by hand: roll-ups of families.

Families and their keys: `families`.

An indicator is an aggregate of measures, so that the same text gives it at every grain: amounts of
parts add up to the whole by construction, and ratios are divided once, at the grain asked for.
"""

from collections.abc import Mapping
from typing import Any

from acrm_batch.catalogue import (
    ORGANISATIONS,
    Catalogue,
    Indicator,
    of_one_row,
    of_parts,
    part_of,
)
from acrm_batch.changes import changes, organisation_changes
from acrm_batch.families import (
    BRANCH,
    CUSTOMER,
    MANAGER,
    PLACE,
    UNIT,
    family_of,
    key_of,
    made_of,
    typed,
)
from acrm_batch.model import Model

#: How a family is placed in the organisation, by its key.
_PLACED = {
    PLACE: """select
        measure.*,
        branch.parent_id as legal_entity_id,
        coalesce(place.manager_id, 'V:' || measure.branch_id) as manager_id
    from {model} as measure
    left join stg_org_units as branch on branch.org_id = measure.branch_id
    left join int_place_managers as place
        on place.customer_id = measure.customer_id and place.branch_id = measure.branch_id""",
    CUSTOMER: """select
        measure.*,
        lead.lead_branch_id as branch_id,
        branch.parent_id as legal_entity_id,
        lead.lead_manager_id as manager_id
    from {model} as measure
    inner join int_lead_decisions as lead on lead.customer_id = measure.customer_id
    left join stg_org_units as branch on branch.org_id = lead.lead_branch_id""",
    BRANCH: """select
        measure.*,
        branch.parent_id as legal_entity_id,
        'V:' || measure.branch_id as manager_id
    from {model} as measure
    left join stg_org_units as branch on branch.org_id = measure.branch_id""",
    MANAGER: """select
        measure.*,
        branch.parent_id as legal_entity_id
    from {model} as measure
    left join stg_org_units as branch on branch.org_id = measure.branch_id""",
}


def with_rollups(models: Mapping[str, Model], catalogue: Catalogue) -> dict[str, Model]:
    """The models as written, and the roll-ups and changes that follow from the catalogue."""
    every = dict(models)
    for family in _families(catalogue):
        _add(every, changes(family, catalogue, every))
    for family in _families(catalogue):
        _add(every, _customers(family, catalogue, every))
        _add(every, _organisations(family, catalogue, every))
        _add(every, organisation_changes(family, catalogue))
    return every


def _families(catalogue: Catalogue) -> list[str]:
    named = [one.family for one in catalogue.indicators]
    named += [family for one in catalogue.indicators for family in one.elsewhere.values()]
    return list(dict.fromkeys(named))


def _add(models: dict[str, Model], model: Model | None) -> None:
    if model is not None:
        models.setdefault(model.name, model)


def _customers(family: str, catalogue: Catalogue, models: Mapping[str, Model]) -> Model | None:
    """A family of customer × branch per customer."""
    if key_of(family, models) != PLACE:
        return None
    columns = [
        one for one in catalogue.at_grain("customer") if family_of(one, "customer") == family
    ]
    if not columns:
        return None
    sql = (
        "-- One row per customer.\nselect\n    customer_id,\n"
        + ",\n".join(f"    {typed(one, one.sql)} as {one.column}" for one in columns)
        + f"\nfrom ind_{family}\ngroup by customer_id"
    )
    return made_of(f"ind_{family}_customers", f"ind_{family} in the whole union.", CUSTOMER, sql)


def _organisations(family: str, catalogue: Catalogue, models: Mapping[str, Model]) -> Model | None:
    """A family per manager at a branch, branch, legal entity and union."""
    key = key_of(family, models)
    columns = [
        one for one in catalogue.indicators
        if one.family == family
        and one.compared is None
        and {"manager", *ORGANISATIONS} & set(one.grains)
    ]  # fmt: skip
    if not columns:
        return None
    return made_of(
        f"ind_{family}_orgs",
        f"ind_{family} by manager, branch, legal entity and union.",
        UNIT,
        _organisation_sql(family, key, columns),
        audits=_adding_up(columns),
    )


def _organisation_sql(family: str, key: tuple[str, ...], columns: list[Indicator]) -> str:
    counts = [one for one in columns if one.counts] if key == PLACE else []
    joined = """
left join counted
    on counted.org_id = sums.org_id and sums.grain in ('legal_entity', 'union')"""
    return f"""-- One row per manager at a branch, per branch, legal entity, and the union.
with placed as (
    {_PLACED[key].format(model=f"ind_{family}")}
),

{_units(key, columns)},

sums as (
    select
        case
            when above_branch = 0 then finest
            when above_entity = 0 then 'legal_entity'
            else 'union'
        end as grain,
        case
            when above_branch = 0 then branch_id
            when above_entity = 0 then legal_entity_id
            else ''
        end as org_id,
        coalesce(manager_id, '') as manager_id,
        {", ".join(one.column for one in columns)}
    from units
){_counted(counts)}

select
    sums.grain,
    sums.org_id,
    sums.manager_id,
{_final(columns, counts)}
from sums{joined if counts else ""}"""


def _units(key: tuple[str, ...], columns: list[Indicator]) -> str:
    """The indicators of every manager, branch, legal entity and the union. The many rows of
    measures are aggregated once, per manager at a branch, and these few by each grain."""
    parts = ",\n".join(f"        {sql} as {name}" for name, sql in _parts(columns).items())
    values = ",\n".join(f"        {_organisation_value(one)} as {one.column}" for one in columns)
    managers = "" if key == BRANCH else "(branch_id, manager_id), "
    return f"""parts as (
    select
        branch_id,
        legal_entity_id,
        manager_id,
{parts}
    from placed
    group by branch_id, legal_entity_id, manager_id
),

units as (
    select
        {_finest(key)} as finest,
        grouping(branch_id) as above_branch,
        grouping(legal_entity_id) as above_entity,
        branch_id,
        legal_entity_id,
        {"null" if key == BRANCH else "manager_id"} as manager_id,
{values}
    from parts
    group by grouping sets ({managers}(branch_id), (legal_entity_id), ())
    -- Of no rows at all the grouping set () makes one in DuckDB and none in Spark.
    having count(*) > 0
)"""


def _parts(columns: list[Indicator]) -> dict[str, str]:
    """What is aggregated of the rows of measures: every aggregate once, and what is counted."""
    parts = {}
    for one in columns:
        if one.counts:
            parts[one.column] = f"count(*) filter (where {one.row_sql})"
            if one.counted_before:
                before = of_one_row(one.counted_before)
                parts[one.column] += f" - count(*) filter (where {before})"
        else:
            parts |= {part_of(*found): f"{found[0]}({found[1]})" for found in one.aggregates}
    return parts


def _adding_up(columns: list[Indicator]) -> tuple[dict[str, Any], ...]:
    """Managers, branches and legal entities each come to the union's amounts."""
    additive = [one.column for one in columns if one.additive]
    return ({"equal_totals": {"by": "grain", "columns": additive}},) if additive else ()


def _finest(key: tuple[str, ...]) -> str:
    """What a row of one branch speaks of."""
    if key == BRANCH:
        return "'branch'"
    return "case when grouping(manager_id) = 0 then 'manager' else 'branch' end"


def _organisation_value(one: Indicator) -> str:
    value = typed(one, f"sum({one.column})" if one.counts else of_parts(one.sql))
    return f"coalesce({value}, 0)" if one.has_zero else value


def _counted(counts: list[Indicator]) -> str:
    """Customers with business at several branches count once per legal entity, and in the union."""
    if not counts:
        return ""
    holds = ",\n".join(f"        {_person(one)} as {one.column}" for one in counts)
    sums = ",\n".join(
        f"        cast(sum({one.column}) as bigint) as {one.column}" for one in counts
    )
    return f""",

people as (
    select
        legal_entity_id,
        grouping(legal_entity_id) as above_entity,
        customer_id,
{holds}
    from placed
    group by grouping sets ((legal_entity_id, customer_id), (customer_id))
),

counted as (
    select
        case when above_entity = 0 then legal_entity_id else '' end as org_id,
{sums}
    from people
    group by case when above_entity = 0 then legal_entity_id else '' end
)"""


def _person(one: Indicator) -> str:
    """Whether a customer counts now, less whether he did before."""
    counted = f"case when {one.counts} then 1 else 0 end"
    if one.counted_before:
        counted += f" - case when {one.counted_before} then 1 else 0 end"
    return counted


def _final(columns: list[Indicator], counts: list[Indicator]) -> str:
    return ",\n".join(
        f"    coalesce(counted.{one.column}, sums.{one.column}) as {one.column}"
        if one in counts
        else f"    sums.{one.column}"
        for one in columns
    )
