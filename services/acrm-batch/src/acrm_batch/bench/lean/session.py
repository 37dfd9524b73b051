"""A date's final columns in one DuckDB session."""

import re
import time
from dataclasses import dataclass, field
from datetime import date, timedelta
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from acrm_batch.bench.landed import Landed
from acrm_batch.bench.lean import columns as texts
from acrm_batch.bench.lean.final import PLACE_TABLES, final_columns, made_of, rolled_up
from acrm_batch.catalogue import UNITS
from acrm_batch.engines.duckdb import Engine, failure
from acrm_batch.engines.sql import empty_relation, literal
from acrm_batch.model import Reference
from acrm_batch.project import Project
from acrm_batch.scoring.lifetime_card import lifetime_sql
from acrm_batch.scoring.sql import score_sql
from acrm_batch.warehouse import partition_path
from crm_shared.errors import NotReadyError
from crm_shared.landing import TABLES

_RELATION = re.compile(r"@([a-z_.]+)(?::([a-z_]+))?")
_VALUE = re.compile(r"\$([a-z_0-9]+)")
_REFERENCES: tuple[Reference, ...] = ("day", "month", "two_months", "year", "last_year")
_TEXT = re.compile(r"\{([a-z_]+)\}")
_PARAMETER = re.compile(r"param\(\s*'([a-z0-9_.]+)'\s*,\s*legal_entity_id\s*\)")

#: Weeks since the Monday of 1970-01-05; a customer's age is counted until the last month end.
_ACTIVITY = """select
    customer_id,
    cast(active_weeks - 1 as double) as repeats,
    cast(last_week - first_week as double) as last,
    cast((month_end - date '1970-01-05') // 7 - first_week as double) as age,
    cast(turnover as double) / active_weeks as value
from @engine.int_active_weeks
join people using (customer_id)
where is_active"""

_CUSTOMER_TABLES = ("parties_of_customers", "digital", "relations", "contacted", "listed", "rfm",
                    "serviced", "valued", "described", "alive")  # fmt: skip


#: Parts of the places whose windows are summed one after the other.
_PARTS = 2


def _file(name: str) -> str:
    return (files("acrm_batch.bench.lean") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def _limit(found: re.Match[str]) -> str:
    return "limits." + found[1].replace(".", "_")


def beside(out: Path, what: str) -> Path:
    """The file of another table beside the one asked for."""
    return out.with_stem(f"{out.stem}_{what}")


@dataclass
class Lean:
    """One date in one session. `seconds` has the time of every statement's table."""

    engine: Engine
    landed: Landed
    project: Project
    warehouse: Path
    seconds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        day, landed = self.landed.day, self.landed
        self.day = day
        self.catalogue = self.project.catalogue
        self.references: dict[str, date] = {
            name: landed.inputs.reference(name, day) for name in _REFERENCES
        }
        ends = landed.inputs.month_ends(day)
        self.spans = texts.Spans(
            day, landed.first_day, self.days("coverage.averaging_days"), ends[::-1][:4]
        )
        self.windows = self._windows()
        self.segments = self._segments()
        self.values = self._values()
        self.engine.set_parameters(self.catalogue.in_force(day))

    def days(self, code: str) -> int:
        """A union-wide parameter that is a number of days."""
        return int(self.catalogue.union_wide(code, self.day, "the lean SQL"))

    def _back(self, days: int) -> date:
        return max(self.landed.first_day, self.day - timedelta(days=days - 1))

    def _windows(self) -> dict[str, tuple[date, date]]:
        """First and last day of everything that is read over days."""
        starts = {
            "quarter": self._back(90),
            "flow": self._back(self.days("potential.flow_days")),
            "idle": self._back(self.days("potential.idle_days") - 1),
            "month": max(self.landed.first_day, self.day.replace(day=1)),
            "contacts": self._back(365),
            "cards": self._back(366),
        }
        return {name: (start, self.day) for name, start in starts.items()}

    def _recent(self) -> dict[str, int]:
        """Windows of days over the ledger, by name."""
        codes = {"flow_days": "potential.flow_days", "turnover_days": "potential.turnover_days",
                 "counter_days": "potential.counter_days", "no_txn_days": "potential.no_txn_days",
                 "rfm_days": "rfm.days", "dormant_days": "lifecycle.dormant_days",
                 "activity_days": "activity.dormant_days"}  # fmt: skip
        return {name: self.days(code) for name, code in codes.items()}

    def _segments(self) -> list[tuple[date, date]]:
        """First and last days between which no window of the ledger begins or ends."""
        starts = {self._back(days) for days in (*texts.WINDOWS, *self._recent().values())}
        starts |= {self.windows["idle"][0], *self.spans.starts()}
        starts |= {day + timedelta(days=1) for name, day in self.references.items()
                   if name != "last_year"}  # fmt: skip
        kept = sorted(one for one in starts if self.landed.first_day <= one <= self.day)
        ends = [one - timedelta(days=1) for one in kept[1:]] + [self.day]
        self.windows["ledger"] = (kept[0], self.day)
        return list(zip(kept, ends, strict=True))

    def _values(self) -> dict[str, str]:
        spans, day = self.spans, self.day
        recent = self._recent()
        numbers = {
            **recent,
            "initiated_days": max(
                recent["rfm_days"], recent["dormant_days"], recent["activity_days"]
            ),
            "idle_days": self.days("potential.idle_days"),
            "averaging_days": self.days("coverage.averaging_days"),
            "clean_years": self.days("key_customer.clean_years"),
            "month_days": (day - spans.current["month"]).days + 1,
            "year_days": (day - spans.current["year"]).days + 1,
        }
        dates = {
            "bd": day,
            "first_day": self.landed.first_day,
            "month_start": day.replace(day=1),
            "year_start": day.replace(month=1, day=1),
            "counted_month": spans.current["month"],
            "counted_year": spans.current["year"],
        }
        known = {name: str(number) for name, number in numbers.items()}
        known |= {name: f"date '{one}'" for name, one in dates.items()}
        for place in (1, 3):
            known[f"days_{place}"] = str(spans.month_days[place - 1] or "cast(null as integer)")
        return known

    def relation(self, name: str, of: str | None) -> str:
        """What `@table`, `@table:day`, `@table:window`, `@table_delivered:window` and
        `@engine.model` stand for."""
        if name.startswith("engine."):
            return self._made(name.removeprefix("engine."), of)
        table = name.removesuffix("_delivered")
        if table != name and of == "year":
            return self.landed.rows_since_state(table, self.spans.current["year"])
        if table != name or (TABLES[table].kind != "state" and of):
            return self.landed.rows(table, *self.windows[of or ""])
        return self.landed.state(table, self._reference(of))

    def _reference(self, name: str | None) -> date:
        return self.day if name is None else self.references[name]

    def _made(self, model: str, reference: str | None) -> str:
        """What the batch made of a model on a day, or on the last month end."""
        day = self._reference(reference)
        if self.project.models[model].partition == "month_end":
            ends = self.landed.inputs.month_ends(day)
            if not ends:
                return f"({empty_relation(self.project.models[model].before)})"
            day = ends[-1]
        path = partition_path(self.warehouse, model, day)
        if not path.is_file():
            raise NotReadyError(
                f"{self.warehouse} has no {model} of {day}; run the batch for {self.day} first, and"
                " name its warehouse."
            )
        return f"read_parquet({literal(path)}, hive_partitioning=false)"

    def run(self, name: str, **given: str) -> None:
        """Run a file of statements."""
        self.execute(_TEXT.sub(lambda found: given.get(found[1], found[0]), _file(name)))

    def execute(self, sql: str) -> None:
        """Run statements, each ended by a semicolon at the end of a line."""
        for statement in self.filled(sql).split(";\n"):
            if statement.strip():
                began = time.monotonic()
                self.engine.connection.execute(statement)
                named = re.search(r"(?:table|into|update)\s+(\w+)", statement)
                key = named[1] if named else statement.split()[0]
                self.seconds[key] = self.seconds.get(key, 0) + time.monotonic() - began

    def filled(self, sql: str) -> str:
        """A text with its relations and values."""
        text = re.sub(r"--[^\n]*", "", sql)
        text = _RELATION.sub(lambda found: self.relation(found[1], found[2]), text)
        return _VALUE.sub(lambda found: self.values[found[1]], text)

    def measures(self, table: str) -> dict[str, str]:
        """The columns of a table, and their types."""
        rows = self.engine.connection.execute(f"describe {table}").fetchall()
        return {str(name): str(kind) for name, kind, *_ in rows}

    def make(self, out: Path) -> None:
        """Every table of measures, each as long as it is needed, and the three files."""
        self.execute("set preserve_insertion_order = false")
        self._places()
        self._ledger()
        self.run("5_credit", credit=texts.credit(), invested=texts.invested(),
                 products=texts.products(), card_uses=texts.card_uses(),
                 card_sums=texts.card_sums(), bought=texts.bought())  # fmt: skip
        self._write_branches(beside(out, "branches"))
        for table in PLACE_TABLES:
            self.execute(rolled_up(table, self.measures(table)))
        self.run("6_people", channels=texts.channels(), relations=texts.relations(),
                 contacts=texts.contacts())  # fmt: skip
        self.run("7_customers", lifetime=lifetime_sql(self.catalogue.lifetime, _ACTIVITY))
        self.run("8_potential", months=texts.potential_months(self.spans))
        self._write_customers(out)
        self._write_tags(out)

    def _ledger(self) -> None:
        """What follows from the ledger: balances of other days, averages, flows."""
        heavy = self.day - timedelta(days=max(90, *self._recent().values()) - 1)
        segments = []
        for since, until in self.segments:
            name = "2_segment" if since >= heavy else "2_segment_before"
            rows = self.landed.rows("transactions", since, until)
            segments.append(_file(name).replace("{since}", str(since))
                            .replace("@transactions:segment", rows))  # fmt: skip
        self.run("2_ledger", segments="\n".join(segments))
        idle = self.days("potential.idle_days")
        self.run(
            "3_deposits",
            moves=texts.moves(self.spans, self.references, idle),
            balances=texts.balances(self.spans, self.references),
            deposits=texts.deposits(),
            months=texts.months(self.spans),
        )
        for part in range(_PARTS):
            into = "insert into flows" if part else "create temp table flows as"
            self.run("4_flow_part", into=into, part=str(part), parts=str(_PARTS),
                     flows=texts.flows(), active=texts.active(self.recent_segments),
                     bookings=texts.bookings())  # fmt: skip
        self.run("4_flows", parties=texts.parties())

    @property
    def recent_segments(self) -> list[date]:
        """The first days of the segments of the last 90 days."""
        return [since for since, _ in self.segments if since >= self.windows["quarter"][0]]

    def _places(self) -> None:
        parameters = ",\n    ".join(
            f"param('{code}', legal_entity_id) as {code.replace('.', '_')}"
            for code in sorted(self.catalogue.parameter_codes)
        )
        lent = [self._lent("now", self.day)]
        lent += [self._lent(name, self.references[name]) for name in texts.CHANGES.values()]
        self.run("1_places", parameters=parameters, lent="\n".join(lent))

    def _lent(self, at_day: str, day: date) -> str:
        """What was lent and invested on a day."""
        given = {"at_day": at_day, "day": str(day)}
        for name, table in (("loans", "loans"), ("cards", "credit_cards"),
                            ("holdings", "wealth_holdings")):  # fmt: skip
            given[name] = self.landed.state(table, day)
        return _TEXT.sub(lambda found: given[found[1]], _file("1_lent"))

    def _write_branches(self, out: Path) -> None:
        self.run("5_covered")
        tables = (*PLACE_TABLES, "parties_at_places")
        given = self._final("customer_branch", tables)
        joins = "\n".join(f"left join {table} using (place_id)" for table in tables)
        self._copy(f"select customer_id, branch_id, {given} from covered\n{joins}", out)
        self.execute("drop table covered;\ndrop table parties_at_places")

    def _write_customers(self, out: Path) -> None:
        spine = "customer_id, legal_entity_id, lead_branch_id, covering_branches, is_key_customer"
        tables = (*(f"c_{one}" for one in PLACE_TABLES), *_CUSTOMER_TABLES)
        given = self._final("customer", tables)
        joins = "\n".join(f"left join {table} using (customer_id)" for table in tables)
        self._copy(f"select {spine}, {given} from spine\n{joins}", out)
        self.execute(";\n".join(f"drop table {table}" for table in tables))

    def _final(self, grain: str, tables: tuple[str, ...]) -> str:
        """The final columns of a grain, made of those of some tables."""
        types = {
            one.column: (UNITS[one.unit][0], one.has_zero) for one in self.catalogue.at_grain(grain)
        }
        known = [name for table in tables for name in self.measures(table)]
        found = final_columns(types, made_of(self.recent_segments, self.day), known)
        return ", ".join(found.values())

    def _write_tags(self, out: Path) -> None:
        mart = f"(select * from read_parquet({literal(out)}) join potential using (customer_id))"
        leaves = ",\n    ".join(
            f"coalesce({_PARAMETER.sub(_limit, tag.condition)}, false) as {tag.column}"
            for tag in self.catalogue.tags
        )
        scores = score_sql(self.catalogue.cards, f"select * from {mart}")
        self._copy(
            f"select\n    mart.customer_id,\n    {leaves},\n    scores.* exclude (customer_id)\n"
            f"from {mart} as mart\njoin limits using (legal_entity_id)\n"
            f"join (\n{scores}\n) as scores using (customer_id)",
            beside(out, "tags"),
        )

    def _copy(self, query: str, out: Path) -> None:
        began = time.monotonic()
        self.engine.connection.execute(
            f"copy ({self.filled(query)}) to {literal(out)} (format parquet, compression zstd)"
        )
        self.seconds[f"write {out.name}"] = time.monotonic() - began


def make(
    landing: Path, day: date, out: Path, warehouse: Path, *,
    threads: int = 2, memory_limit: str = "4GB",
) -> Lean:  # fmt: skip
    """Make and write a date's final columns."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="acrm-lean-", dir=out.parent) as aside:
        engine = Engine(landing, Path(aside), memory_limit, threads)
        try:
            lean = Lean(engine, Landed(landing, day), Project.load(), warehouse)
            lean.make(out)
            return lean
        except duckdb.Error as error:
            raise failure("The lean SQL", error, Path(aside)) from error
        finally:
            engine.close()
