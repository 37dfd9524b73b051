"""What changed against reference days: of balances per customer and branch, and of whatever
organisations have against what they had."""

from collections.abc import Mapping

from acrm_batch.catalogue import UNITS, Catalogue, Indicator
from acrm_batch.catalogue_files import REFERENCES
from acrm_batch.families import PLACE, UNIT, made_of, typed
from acrm_batch.model import Model, Reference
from crm_shared.errors import UsageError


def changes(family: str, catalogue: Catalogue, models: Mapping[str, Model]) -> Model | None:
    """Balances of `ind_<of>` less those of the reference days, per customer and branch."""
    of = family.removesuffix("_changes")
    if of == family or f"ind_{family}" in models or f"ind_{of}" not in models:
        return None
    changed = [one for one in catalogue.indicators if one.family == family]
    columns = _compared(changed, of)
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
        columns[measure] = f"cast(coalesce(ind_{of}.{measure}, 0) as {types[measure]})"
    for one in changed:
        if unknown := one.measures - set(columns):
            raise UsageError(
                f"{one.code} needs {', '.join(sorted(unknown))}, and no indicator of family {of}"
                " has that change; give `changes` to that of the measure."
            )
    relations = [f"ind_{of}", *(f"ind_{of}_{reference}" for reference in REFERENCES)]
    places = "\n    union\n".join(
        f"    select customer_id, branch_id from {one}" for one in relations
    )
    sql = (
        "-- One row per customer and branch that has a balance now or had one on a reference day.\n"
        f"with places as (\n{places}\n)\n\nselect\n    places.customer_id,\n    places.branch_id,\n"
        + ",\n".join(f"    {value} as {name}" for name, value in columns.items())
        + "\nfrom places\n"
        + "\n".join(
            f"left join {one}\n    on {one}.customer_id = places.customer_id"
            f" and {one}.branch_id = places.branch_id"
            for one in relations
        )
    )
    return made_of(f"ind_{family}", f"Changes of ind_{of} against its reference days.", PLACE, sql,
                 at={f"ind_{of}": tuple(REFERENCES)}, ranges_of=f"ind_{of}")  # fmt: skip


def _compared(changed: list[Indicator], of: str) -> dict[str, str]:
    """A column for each change of what adds up: its value today less that of its reference day."""
    columns = {}
    for one in changed:
        if one.change_of is not None:
            measure, reference = one.change_of
            now, then = f"ind_{of}.{measure}", f"ind_{of}_{reference}.{measure}"
            columns[one.column] = (
                f"cast(coalesce({now}, 0) - coalesce({then}, 0) as {UNITS[one.unit][0]})"
            )
    return columns


def organisation_changes(family: str, catalogue: Catalogue) -> Model | None:
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
    return made_of(
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
    is known, which were run and had the indicator. `days` is there for families of which no column
    has such a 0: without an aggregate, `known` would have a row for each of the union."""
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
