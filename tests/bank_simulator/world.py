"""A generated bank under its parameters, asked in SQL as docs/rules words it."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from bank_simulator.plan import Plan
from crm_shared.business_calendar import previous_month_end
from crm_shared.landing import TABLES

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class World:
    """A bank of `plan`; `<table>_delivered` is all that was delivered, `planted_…` the answers,
    `live_…` what only the stream tells."""

    plan: Plan
    connection: duckdb.DuckDBPyConnection

    def rows(self, query: str, day: date | None = None) -> list[tuple[object, ...]]:
        """The rows of a query on `day`, as_of if it is not given.

        `$day` and `$first` are dates, `@table` is a landing table as it stands on the day,
        `{code}` the value of a parameter.
        """
        day = day or self.plan.as_of
        text = re.sub(r"\{(\w+\.\w+)\}", lambda found: self.plan.parameters.values[found[1]], query)
        text = re.sub(r"@(\w+)", lambda found: _state(found[1]), text)
        text = text.replace("$day", f"DATE '{day}'")
        return self.connection.execute(
            text.replace("$first", f"DATE '{self.plan.first}'")
        ).fetchall()

    def rows_of(self, file: str, query: str, day: date | None = None) -> list[tuple[object, ...]]:
        """The rows of a query over the common table expressions of a file beside this one."""
        return self.rows((HERE / file).read_text(encoding="utf-8") + query, day)

    def potential_tags(self) -> set[tuple[object, object]]:
        """Every active customer and tag of potential customers that holds of him on as_of, by the
        text of docs/rules/potential.md."""
        tagged = "SELECT DISTINCT customer_id, tag.name FROM tag JOIN active USING (customer_id)"
        text = (HERE / "potential_tags.sql").read_text(encoding="utf-8")
        found = set(self.rows_of("customers.sql", f"{text} {tagged}"))
        keys = "SELECT customer_id FROM key_customer"
        now = set(self.rows_of("customers.sql", keys))
        before = self.rows_of("customers.sql", keys, previous_month_end(self.plan.as_of))
        found |= {(one[0], "T06/KEY_DOWN") for one in before if one not in now}
        return {(customer, f"POTENTIAL/{name}") for customer, name in found}

    @property
    def eve(self) -> date:
        """The day before as_of."""
        return self.plan.as_of - timedelta(days=1)


def _state(name: str) -> str:
    table = TABLES[name]
    newest = (
        f" QUALIFY row_number() OVER (PARTITION BY {', '.join(table.key)}"
        " ORDER BY business_date DESC) = 1"
    )
    return (
        f"(FROM {name}_delivered WHERE business_date <= $day"
        f"{newest if table.kind == 'state' else ''})"
    )


def open_world(bank: Path, plan: Plan) -> World:
    """The bank's files as tables of a new database in memory."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for table in TABLES.values():
        files = f"{bank}/business_date=*/{table.name}.parquet"
        connection.execute(
            f"CREATE TABLE {table.name}_delivered AS FROM read_parquet('{files}', "
            "hive_partitioning = true, hive_types = {'business_date': DATE})"
        )
    tickets = f"{bank}/live/*/queue_tickets.parquet"
    connection.execute(
        f"CREATE VIEW live_queue_tickets AS FROM read_parquet('{tickets}', "
        "hive_partitioning = true, hive_types = {'business_date': DATE})"
    )
    for path in (bank / "answers").glob("*.parquet"):
        connection.execute(f"CREATE VIEW planted_{path.stem} AS FROM '{path}'")
    return World(plan, connection)
