"""Where a customer's figure comes from: its measures per branch, and the delivered rows behind it.

The figure is made a second time, by the same models, from this customer's delivered rows alone. So
the rows that are listed are those it is made of, and that it comes out the same to the cent is the
check. What the models carry from month ends or compare with on other days is taken as it was made,
and named.
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from acrm_batch.catalogue import UNITS, Catalogue, Indicator
from acrm_batch.engines.duckdb import variables_of
from acrm_batch.engines.sql import literal
from acrm_batch.inputs import source
from acrm_batch.model import Model
from acrm_batch.runner import Runner
from crm_shared.errors import NotReadyError, UsageError
from crm_shared.landing import TABLES

#: What a customer holds, by the column that other tables name it with.
_OWNED = {"account_id": "deposit_accounts", "loan_id": "loans", "card_id": "credit_cards",
          "holding_id": "wealth_holdings"}  # fmt: skip

Row = dict[str, Any]


@dataclass(frozen=True)
class IndicatorExplanation:
    """A figure, its parts and its sources. `agrees`: made from `sources` alone it is the same;
    `parts_add_up` is None where parts do not have to (ratios, dates, largest amounts)."""

    customer_id: int
    business_date: date
    code: str
    name_zh: str
    name_en: str
    unit: str
    formula_zh: str
    formula_en: str
    aggregate: str
    value: object
    recomputed: object
    agrees: bool
    parts_add_up: bool | None
    parts: list[Row]
    carried: list[str]
    sources: dict[str, list[Row]]


def indicator_of(catalogue: Catalogue, code: str) -> Indicator | None:
    """The indicator of a code; `UsageError` where it is none of a customer."""
    found = next((one for one in catalogue.indicators if one.code == code), None)
    if found is not None and "customer" not in found.grains:
        raise UsageError(
            f"{code} is no indicator of a customer but of {', '.join(found.grains)}; ask"
            f" `acrm lineage {code}` what it is made of."
        )
    return found


class _Customer:
    """One customer's part of the landing files, and models over it in the schema `explained`."""

    def __init__(self, runner: Runner, day: date, customer_id: int) -> None:
        self.runner, self.day, self.customer_id = runner, day, customer_id
        self.connection = runner.engine.connection
        self.carried: list[str] = []
        self.sources: dict[str, list[Row]] = {}
        self.connection.execute("create schema if not exists explained")
        for column, name in _OWNED.items():
            ask = Model(name, "", "", "as_of", f"select * from stg_{name}")
            runner.provide(ask, day)
            self.connection.execute(
                f"create or replace table explained.{name} as select {column} from stg_{name}"
                f" where customer_id = {customer_id}"
            )

    def make(self, model: Model) -> None:
        """Make a model from the customer's rows, what it reads first being made already."""
        bound = self.runner.provide(model, self.day)
        for name in model.reads:
            read = self.runner.project.models[name]
            if read.partition == "view":
                self._restrict(read)
            elif read.partition == "as_of":
                self.runner.engine.view(name, f"select * from explained.{name}")
            else:
                self.carried.append(f"{name} of the last month end")
        self.carried += [
            f"{name} of {self.runner.inputs.reference(reference, self.day)}"
            for name, reference in model.references.values()
        ]
        self.connection.execute(
            f"create or replace table explained.{model.name} as\n{model.bound_sql}",
            variables_of(model.bound_sql, bound),
        )

    def _restrict(self, staging: Model) -> None:
        """A staging view with the customer's rows only, which are kept to be shown."""
        table = TABLES[source(staging.reads[0].removeprefix("landing."))[0]]
        described = self.connection.execute(f"describe select * from (\n{staging.sql}\n)")
        columns = {row[0] for row in described.fetchall()}
        # A booking belongs to the holder of its account, whoever made it.
        if "customer_id" in columns and table.name != "transactions":
            belongs = f"customer_id = {self.customer_id}"
        elif mine := next((one for one in _OWNED if one in columns), None):
            belongs = f"{mine} in (select {mine} from explained.{_OWNED[mine]})"
        else:
            return
        query = f"select * from (\n{staging.sql}\n) where {belongs}"
        self.runner.engine.view(staging.name, query)
        personal = {column.name for column in table.columns if column.personal}
        rows = [
            {name: value for name, value in row.items() if name not in personal}
            for row in self.rows(f"{query} order by all")
        ]
        name = staging.name.removeprefix("stg_")
        if len(rows) >= len(self.sources.get(name, [])):
            self.sources[name] = rows

    def rows(self, query: str) -> list[Row]:
        """What a query finds."""
        found = self.connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def explain_indicator(
    runner: Runner, day: date, customer_id: int, one: Indicator
) -> IndicatorExplanation:
    """Trace a customer's indicator on a date; the runner has accepted the date's days."""
    family = f"ind_{one.elsewhere.get('customer', one.family)}"
    for name in (_wide(one), family):
        if (name, day) not in runner.partitions:
            raise NotReadyError(
                f"{name} of {day} has not been made; run `acrm run --date {day}` first."
            )
    customer = _Customer(runner, day, customer_id)
    value = _published(runner, day, customer, one)
    project = runner.project
    for name in project.order:
        model = project.models[name]
        if name in _above(runner, family) and model.partition == "as_of":
            customer.make(model)
    recomputed = _aggregate(runner, day, customer, one, family)
    parts = _parts(runner, day, customer, one, family)
    return IndicatorExplanation(
        customer_id, day, one.code, one.name_zh, one.name_en, one.unit,
        one.formula_zh, one.formula_en, one.sql, value, recomputed, value == recomputed,
        _adds_up(one, parts, value), parts, sorted(set(customer.carried)),
        dict(sorted(customer.sources.items())),
    )  # fmt: skip


def _above(runner: Runner, family: str) -> set[str]:
    """The family and what it reads of the same day, directly or not."""
    found, waiting = {family}, [family]
    while waiting:
        for name in runner.project.models[waiting.pop()].reads:
            if name not in found and runner.project.models[name].partition == "as_of":
                found.add(name)
                waiting.append(name)
    return found


def _wide(one: Indicator) -> str:
    """The wide table that has an indicator of customers."""
    return "tag_customers" if one.is_score else "mart_customers"


def _published(runner: Runner, day: date, customer: _Customer, one: Indicator) -> object:
    wide = _wide(one)
    runner.engine.partition_view(wide, runner.path(wide, day))
    found = customer.rows(
        f"select {one.column} from {wide} where customer_id = {customer.customer_id}"
    )
    if not found:
        raise UsageError(
            f"Customer {customer.customer_id} is no active customer on {day}, and only active"
            " customers have indicators; correct the number or the date."
        )
    return found[0][one.column]


def _aggregate(
    runner: Runner, day: date, customer: _Customer, one: Indicator, family: str
) -> object:
    """The indicator over the measures made from the customer's rows."""
    ask = Model("explained", "", "", "as_of", f"select {one.sql} as value")
    bound = runner.bound(ask, day)
    type_ = UNITS[one.unit][0]
    value = "coalesce(value, 0)" if one.has_zero else "value"
    row = customer.connection.execute(
        f"select cast({value} as {type_}) from ({ask.bound_sql} from explained.{family}"
        f" where customer_id = {customer.customer_id})",
        variables_of(ask.bound_sql, bound),
    ).fetchone()
    return row[0] if row else None


def _parts(
    runner: Runner, day: date, customer: _Customer, one: Indicator, family: str
) -> list[Row]:
    """The measures of the customer as they were made, per branch where the family has branches."""
    keys = [name for name in runner.project.models[family].key if name != "customer_id"]
    columns = ", ".join([*keys, *sorted(one.measures)])
    return customer.rows(
        f"select {columns} from read_parquet({literal(runner.path(family, day))},"
        f" hive_partitioning=false) where customer_id = {customer.customer_id} order by all"
    )


def _adds_up(one: Indicator, parts: list[Row], value: object) -> bool | None:
    """Whether the parts of something additive come to the whole."""
    if not one.additive:
        return None
    [measure] = one.measures
    return bool(sum(part[measure] or 0 for part in parts) == value)
