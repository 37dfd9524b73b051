"""What training sees: features of a month end, and what happened afterwards.

Features come from the partition of `mart_customers` of the month end `t`, which the batch made from
the days up to `t` alone. Events come from the landing files of the days up to the end of the
horizon. The two meet only by customer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import numpy as np
from numpy.typing import NDArray

from acrm_batch.engines.duckdb import failure
from acrm_batch.model import Model
from acrm_batch.runner import Runner
from acrm_batch.scoring.definition import Definition
from acrm_batch.scoring.sql import features_sql
from crm_shared.business_calendar import is_month_end, month_end_after
from crm_shared.errors import NotReadyError, UsageError
from crm_shared.landing import TABLES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: The mart that features are columns of.
MART = "mart_customers"

#: Who somebody is, for the comparison of groups; never a feature.
_GROUPS = """
select customer_id,
    coalesce(sex, 'none') as sex,
    case
        when birth_date is null then 'none'
        when date_diff('year', birth_date, $t) < 30 then 'under 30'
        when date_diff('year', birth_date, $t) < 45 then '30 to 44'
        when date_diff('year', birth_date, $t) < 60 then '45 to 59'
        else '60 and over'
    end as age,
    coalesce(region, 'none') as region
from stg_customers
"""

GROUPINGS = ("sex", "age", "region")


@dataclass(frozen=True)
class Sample:
    """Customers of one or more month ends: one entry per customer and month end in every array."""

    as_of: NDArray[np.datetime64]
    customers: Ints
    events: Ints
    values: dict[str, Floats]
    groups: dict[str, NDArray[np.str_]]

    def __len__(self) -> int:
        return len(self.customers)

    def where(self, chosen: NDArray[np.bool_]) -> "Sample":
        """Some of the rows."""
        return Sample(
            self.as_of[chosen],
            self.customers[chosen],
            self.events[chosen],
            {name: column[chosen] for name, column in self.values.items()},
            {name: column[chosen] for name, column in self.groups.items()},
        )


def together(samples: Sequence[Sample]) -> Sample:
    """Several month ends as one sample."""
    first = samples[0]
    return Sample(
        np.concatenate([one.as_of for one in samples]),
        np.concatenate([one.customers for one in samples]),
        np.concatenate([one.events for one in samples]),
        {name: np.concatenate([one.values[name] for one in samples]) for name in first.values},
        {name: np.concatenate([one.groups[name] for one in samples]) for name in first.groups},
    )


def observe(runner: Runner, definition: Definition, day: date, horizon_months: int) -> Sample:
    """The population of a month end with its features, and who had the event in the horizon.

    `NotReadyError` where the mart of the month end was not made or the horizon is not delivered,
    `UsageError` where the mart lacks a column.
    """
    until = day if definition.event.resemblance else month_end_after(day, horizon_months)
    _check_delivered(runner, day, until)
    mart = _mart(runner, definition, day)
    features = features_sql(
        definition.training_population or definition.population,
        [(feature.name, feature.expression) for feature in definition.features],
        definition.columns,
        f"select * from {mart}",
    )
    connection = runner.engine.connection
    try:
        _provide(runner, ["stg_customers"], day, day)
        _keep(runner, "observed_features", features.replace("$bd", f"date '{day}'"), {})
        _keep(runner, "observed_groups", _GROUPS, {"t": day})
        runner.engine.view(
            "sample",
            f"select * from {mart} where customer_id in"
            " (select customer_id from observed_features)",
        )
        reads = [name for name in _reads(definition) if name != "sample"]
        _provide(runner, reads, day, until)
        _keep(runner, "observed_events", definition.event.sql, {"t": day, "until": until})
        found = connection.execute(_TOGETHER).fetchnumpy()
    except duckdb.Error as error:
        raise failure(f"Score {definition.name} of {day}", error, runner.engine.aside) from error
    rows = len(found["customer_id"])
    return Sample(
        np.full(rows, np.datetime64(day)),
        found["customer_id"].astype(np.int64),
        found["event"].astype(np.int64),
        {feature.name: _floats(found[feature.name]) for feature in definition.features},
        {name: np.asarray(found[f"group_{name}"], dtype=np.str_) for name in GROUPINGS},
    )


def groups_of(runner: Runner, customers: Ints, day: date) -> dict[str, NDArray[np.str_]]:
    """By each of `GROUPINGS`, the group of each customer, given in ascending order of their ids."""
    _provide(runner, ["stg_customers"], day, day)
    found = runner.engine.connection.execute(
        f"select * from ({_GROUPS}) order by customer_id", {"t": day}
    ).fetchnumpy()
    known = np.append(found["customer_id"].astype(np.int64), np.iinfo(np.int64).max)
    place = np.searchsorted(known, customers)
    is_known = known[place] == customers
    return {
        name: np.where(is_known, np.append(np.asarray(found[name], np.str_), "none")[place], "none")
        for name in GROUPINGS
    }


_TOGETHER = """
select feature.*,
    cast(happened.customer_id is not null as bigint) as event,
    coalesce(who.sex, 'none') as group_sex,
    coalesce(who.age, 'none') as group_age,
    coalesce(who.region, 'none') as group_region
from observed_features as feature
left join (select distinct customer_id from observed_events) as happened
    on happened.customer_id = feature.customer_id
left join observed_groups as who on who.customer_id = feature.customer_id
order by feature.customer_id
"""


def _check_delivered(runner: Runner, day: date, until: date) -> None:
    if not is_month_end(day):
        raise UsageError(f"{day} is no month end; scores are trained on month ends.")
    last = max(runner.inputs.days, default=date.min)
    if last < until:
        raise NotReadyError(
            f"The horizon of {day} ends on {until}, but days are delivered up to {last} only; "
            "choose an earlier --to or a shorter --horizon."
        )


def _mart(runner: Runner, definition: Definition, day: date) -> str:
    """The mart's partition as a relation that has every column of the definition."""
    path = runner.path(MART, day)
    if (MART, day) not in runner.partitions or not path.is_file():
        raise NotReadyError(
            f"{MART} of {day} has not been made; run acrm run --date {day} --no-publish "
            f"--select {MART} first."
        )
    runner.engine.partition_view("observed_mart", path)
    [*names] = runner.engine.connection.execute("describe observed_mart").fetchall()
    if missing := sorted(set(definition.columns) - {row[0] for row in names}):
        raise UsageError(
            f"Score {definition.name} reads {', '.join(missing)}, which {MART} of {day} does not "
            "have; make that date again, or take the column out of the definition."
        )
    return "observed_mart"


def _reads(definition: Definition) -> tuple[str, ...]:
    text = definition.event.sql
    return Model(definition.name, "event", "", "view", text).reads


def _provide(runner: Runner, names: Sequence[str], day: date, until: date) -> None:
    """Staging models: state as it stands on `until`, events of `(day, until]`."""
    for name in names:
        model = runner.project.models.get(name)
        if model is None or model.kind != "staging":
            raise UsageError(
                f"An event reads {name}, which is no staging model; read landing data."
            )
        table = model.reads[0].removeprefix("landing.")
        if table not in TABLES:
            raise UsageError(f"The event reads {name}; read stg_balances, which has no history.")
        if TABLES[table].kind == "state":
            files = runner.inputs.state(table, until)
        else:
            following = [one for one in runner.inputs.days if one > day]
            files = runner.inputs.events(table, min(following, default=until), until)
        runner.engine.landing_relation(table, files)
        runner.engine.view(name, model.sql)


def _keep(runner: Runner, name: str, query: str, bound: dict[str, date]) -> None:
    used = {key: value for key, value in bound.items() if re.search(rf"\${key}\b", query)}
    runner.engine.connection.execute(f"create or replace temp table {name} as {query}", used)


def _floats(column: NDArray[np.float64]) -> Floats:
    return np.ma.filled(np.ma.asarray(column, dtype=np.float64), np.nan)
