"""Models that nobody writes by hand: roll-ups of families, and changes.

A family is the model `ind_<family>`. Its key says what one row of measures speaks of:

| key | measures of | grains |
|---|---|---|
| customer_id, branch_id | a customer's business at a branch | every one |
| customer_id | a customer, placed at the lead branch and manager | all but customer × branch |
| branch_id | a branch | branch, legal entity, union |

An indicator is an aggregate of measures, so that the same text gives it at every grain: amounts of
parts add up to the whole by construction, and ratios are divided once, at the grain asked for.
"""

from collections.abc import Mapping
from typing import Any

from acrm_batch.catalogue import ORGANISATIONS, UNITS, Catalogue, Indicator, of_one_row
from acrm_batch.catalogue_files import REFERENCES
from acrm_batch.model import Model, Reference
from crm_shared.errors import UsageError

PLACE, CUSTOMER, BRANCH = ("customer_id", "branch_id"), ("customer_id",), ("branch_id",)

#: The key of what managers, branches, legal entities and the union have.
UNIT = ("grain", "org_id", "manager_id")

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
}


def with_rollups(models: Mapping[str, Model], catalogue: Catalogue) -> dict[str, Model]:
    """The models as written, and the roll-ups and changes that follow from the catalogue."""
    every = dict(models)
    for family in _families(catalogue):
        _add(every, _changes(family, catalogue, every))
    for family in _families(catalogue):
        _add(every, _customers(family, catalogue, every))
        _add(every, _organisations(family, catalogue, every))
        _add(every, _organisation_changes(family, catalogue))
    return every


def _families(catalogue: Catalogue) -> list[str]:
    named = [one.family for one in catalogue.indicators]
    named += [family for one in catalogue.indicators for family in one.elsewhere.values()]
    return list(dict.fromkeys(named))


def _add(models: dict[str, Model], model: Model | None) -> None:
    if model is not None:
        models.setdefault(model.name, model)


def _made(name: str, description: str, key: tuple[str, ...], sql: str, **more: object) -> Model:
    return Model(name=name, kind="rollup", description=description, partition="as_of", sql=sql,
                 key=key, **more)  # type: ignore[arg-type]  # fmt: skip


def key_of(family: str, models: Mapping[str, Model]) -> tuple[str, ...]:
    """What one row of a family speaks of; `UsageError` where no roll-up is known for it."""
    model = models.get(f"ind_{family}")
    if model is None:
        raise UsageError(f"Family {family} of the catalogue has no model ind_{family}.")
    if model.key not in _PLACED:
        raise UsageError(
            f"Model {model.name} has the key ({', '.join(model.key)}); a family has customer_id,"
            " branch_id, or both in this order."
        )
    return model.key


def _changes(family: str, catalogue: Catalogue, models: Mapping[str, Model]) -> Model | None:
    """Balances of `ind_<of>` less those of the reference days, per customer and branch."""
    of = family.removesuffix("_changes")
    if of == family or f"ind_{family}" in models or f"ind_{of}" not in models:
        return None
    changed = [one for one in catalogue.indicators if one.family == family]
    columns = _compared(changed)
    types = {
        measure: UNITS[one.unit][0]
        for one in catalogue.indicators
        if one.family == of and one.additive
        for measure in one.measures
    }
    for measure in sorted({measure for one in changed for measure in one.beside}):
        if measure not in types:
            raise UsageError(
                f"{measure} stands beside a change of family {of}, and none of its indicators"
                " that add up has that measure; correct `beside`."
            )
        columns[measure] = (
            f"cast(sum(case when at_day = 'now' then {measure} else 0 end) as {types[measure]})"
        )
    for one in changed:
        if unknown := one.measures - set(columns):
            raise UsageError(
                f"{one.code} needs {', '.join(sorted(unknown))}, and no indicator of family {of}"
                " has that change; give `changes` to that of the measure."
            )
    listed = ", ".join(sorted({one.change_of[0] for one in changed if one.change_of}))
    days = "\n    union all\n".join(
        f"    select '{day}' as at_day, customer_id, branch_id, {listed} from ind_{of}{suffix}"
        for day, suffix in [("now", ""), *((name, f"_{name}") for name in REFERENCES)]
    )
    sql = (
        "-- One row per customer and branch that has a balance now or had one on a reference day.\n"
        f"with balances as (\n{days}\n)\n\nselect\n    customer_id,\n    branch_id,\n"
        + ",\n".join(f"    {value} as {name}" for name, value in columns.items())
        + "\nfrom balances\ngroup by customer_id, branch_id"
    )
    return _made(f"ind_{family}", f"Changes of ind_{of} against its reference days.", PLACE, sql,
                 at={f"ind_{of}": tuple(REFERENCES)})  # fmt: skip


def _compared(changed: list[Indicator]) -> dict[str, str]:
    """A column for each change of what adds up: its value today less that of its reference day."""
    columns = {}
    for one in changed:
        if one.change_of is not None:
            measure, reference = one.change_of
            columns[one.column] = (
                f"cast(sum(case at_day when 'now' then {measure} when '{reference}' then -{measure}"
                f" else 0 end) as {UNITS[one.unit][0]})"
            )
    return columns


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
    return _made(f"ind_{family}_customers", f"ind_{family} in the whole union.", CUSTOMER, sql)


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
    return _made(
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
    """The indicators of every manager, branch, legal entity and the union."""
    sums = ",\n".join(f"        {_organisation_value(one)} as {one.column}" for one in columns)
    managers = "" if key == BRANCH else "(branch_id, manager_id), "
    return f"""units as (
    select
        {_finest(key)} as finest,
        grouping(branch_id) as above_branch,
        grouping(legal_entity_id) as above_entity,
        branch_id,
        legal_entity_id,
        {"null" if key == BRANCH else "manager_id"} as manager_id,
{sums}
    from placed
    group by grouping sets ({managers}(branch_id), (legal_entity_id), ())
)"""


def _adding_up(columns: list[Indicator]) -> tuple[dict[str, Any], ...]:
    """Managers, branches and legal entities each come to the union's amounts."""
    additive = [one.column for one in columns if one.additive]
    return ({"equal_totals": {"by": "grain", "columns": additive}},) if additive else ()


def _organisation_changes(family: str, catalogue: Catalogue) -> Model | None:
    """What organisations have less what they had on reference days, if these were run."""
    compared = [
        (one.column, *one.compared)
        for one in catalogue.indicators
        if one.family == family and one.compared
    ]
    if not compared:
        return None
    figures = {figure.column: UNITS[figure.unit][0] for _, figure, _ in compared}
    references = tuple(dict.fromkeys(reference for _, _, reference in compared))
    of = f"ind_{family}_orgs"
    listed = ", ".join((*UNIT, *figures))
    days = "\n    union all\n".join(
        f"    select '{day}' as at_day, {listed} from {of}{suffix}"
        for day, suffix in [("now", ""), *((name, f"_{name}") for name in references)]
    )
    return _made(
        f"{of}_changes",
        f"{of} less what it was on reference days that were run.",
        UNIT,
        f"-- One row per row of {of} now or on a reference day.\nwith figures as (\n{days}\n),\n\n"
        + _differences(compared),
        at={of: references},
        if_made={of: dict.fromkeys(UNIT, "varchar") | figures},
    )


def _differences(compared: list[tuple[str, Indicator, Reference]]) -> str:
    """The change of each column; where nothing is 0, it is so on days of which the union's figure
    is known, which were run and had the indicator."""
    known, changes = ["count(*) as days"], []
    for column, figure, reference in compared:
        now = f"max(case when at_day = 'now' then {figure.column} end)"
        then = f"max(case when at_day = '{reference}' then {figure.column} end)"
        if figure.has_zero:
            known.append(f"{then} is not null as {column}")
            change = typed(figure, f"coalesce({now}, 0) - coalesce({then}, 0)")
            changes.append(f"case when bool_or(known.{column}) then {change} end as {column}")
        else:
            changes.append(f"{typed(figure, f'{now} - {then}')} as {column}")
    every_known, every_change = ",\n        ".join(known), ",\n    ".join(changes)
    key = ", ".join(f"figures.{name}" for name in UNIT)
    return f"""known as (
    select
        {every_known}
    from figures
    where grain = 'union'
)

select
    {key},
    {every_change}
from figures
cross join known
group by {key}"""


def _finest(key: tuple[str, ...]) -> str:
    """What a row of one branch speaks of."""
    if key == BRANCH:
        return "'branch'"
    return "case when grouping(manager_id) = 0 then 'manager' else 'branch' end"


def _organisation_value(one: Indicator) -> str:
    if not one.counts:
        value = typed(one, one.sql)
        return f"coalesce({value}, 0)" if one.has_zero else value
    counted = f"count(*) filter (where {one.row_sql})"
    if one.counted_before:
        counted += f" - count(*) filter (where {of_one_row(one.counted_before)})"
    return counted


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


def family_of(one: Indicator, grain: str) -> str:
    """The family that has an indicator at a grain."""
    return one.elsewhere.get(grain, one.family)


def typed(one: Indicator, sql: str) -> str:
    """A value as the type of the indicator's unit."""
    return f"cast({sql} as {UNITS[one.unit][0]})"
