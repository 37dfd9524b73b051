"""One plain scan of the columns that the models read of a date's landing files.

    python -m acrm_batch.bench.scan --landing DIR --date DATE

Which columns is found in the models: every one that a query names of a staging view, without those
that only pass by. Which files: those that the date's own steps read, each once. The aggregate is
the exclusive or of hashes, which has to look at every value and costs next to nothing.
"""

import argparse
import sys
import time
from collections import defaultdict
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.scope import traverse_scope

from acrm_batch.bench.landed import Landed
from acrm_batch.engines.duckdb import Bound, Engine
from acrm_batch.engines.spark_text import typed
from acrm_batch.inputs import File, source
from acrm_batch.model import Model, bind_name
from acrm_batch.portability import described
from acrm_batch.project import Project
from crm_shared.business_calendar import is_month_end
from crm_shared.errors import CrmError
from crm_shared.landing import TABLES


def columns_read(project: Project) -> dict[str, set[str]]:
    """The columns that the models read of each landing table."""
    relations, _ = described(project)
    views = {
        one.name: _delivered(one) for one in project.models.values() if one.partition == "view"
    }
    found: dict[str, set[str]] = defaultdict(set)
    for model in _made(project):
        if not views.keys() & set(model.reads):
            continue
        wanted = {*model.reads, *model.references, f"{model.name}_before"}
        known = {name: columns for name, columns in relations.items() if name in wanted}
        tree = pushdown_projections(
            typed(model.bound_sql, known, _sample(model), project.catalogue.parameters)
        )
        for scope in traverse_scope(tree):
            for column in scope.columns:
                read = scope.sources.get(column.table)
                if isinstance(read, exp.Table) and read.name in views:
                    found[_table(project, read.name)] |= views[read.name][column.name]
    return {
        table: columns & {column.name for column in TABLES[table].columns}
        for table, columns in found.items()
    }


def _delivered(model: Model) -> dict[str, set[str]]:
    """The delivered columns behind each of a staging view's."""
    query = sqlglot.parse_one(model.sql, read="duckdb", into=exp.Select)
    return {
        one.alias_or_name: {column.name for column in one.find_all(exp.Column)}
        for one in query.selects
    }


def files_read(project: Project, landed: Landed) -> dict[str, set[File]]:
    """The files of each landing table that the date's own steps read."""
    day, inputs = landed.day, landed.inputs
    found: dict[str, set[File]] = defaultdict(set)
    for model in _made(project):
        if model.partition == "month_end" and not is_month_end(day):
            continue
        for name in model.reads:
            if project.models[name].partition != "view":
                continue
            relation = project.models[name].reads[0].removeprefix("landing.")
            table, is_history = source(relation)
            spans = model.window.get(name)
            codes = {one for one in spans or () if isinstance(one, str) and "." in one}
            numbers = {
                code: project.catalogue.longest(code, day, f"model {model.name}") for code in codes
            }
            start = inputs.window_start(spans, day, numbers) if spans else None
            if is_history or TABLES[table].kind == "state":
                found[table].update(inputs.state(table, day, since=start if is_history else None))
            else:
                found[table].update(inputs.events(table, start or day, day))
    return found


def _made(project: Project) -> list[Model]:
    return [model for model in project.models.values() if model.partition != "view"]


def _table(project: Project, staging: str) -> str:
    return source(project.models[staging].reads[0].removeprefix("landing."))[0]


def _sample(model: Model) -> dict[str, Bound]:
    """Values for a model's bind variables, as good as any other."""
    days: dict[str, Bound] = {"bd": date(2026, 1, 31), "first_day": date(2026, 1, 1)}
    numbers = {"month_days": 31, "year_days": 31, "version": 1}
    return days | numbers | {bind_name(code): 1 for code in model.parameters}


def scan(engine: Engine, landed: Landed, project: Project) -> dict[str, tuple[int, int, float]]:
    """Rows, columns and seconds per table."""
    columns = columns_read(project)
    found = {}
    for table, files in files_read(project, landed).items():
        began = time.monotonic()
        read = landed.read(table, sorted(files, key=lambda file: file.day))
        sums = ", ".join(f"bit_xor(hash({name}))" for name in sorted(columns[table]))
        [(rows, *_)] = engine.connection.execute(f"select count(*), {sums} from {read}").fetchall()
        found[table] = (int(rows), len(columns[table]), time.monotonic() - began)
    return found


def main() -> int:
    """Scan a date's inputs and print what it took."""
    parser = argparse.ArgumentParser(prog="python -m acrm_batch.bench.scan",
                                     description="Scan what the models read.")  # fmt: skip
    parser.add_argument("--landing", type=Path, required=True)
    parser.add_argument("--date", type=date.fromisoformat, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory-limit", default="4GB")
    given = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="acrm-scan-") as aside:
            engine = Engine(given.landing, Path(aside), given.memory_limit, given.threads)
            found = scan(engine, Landed(given.landing, given.date), Project.load())
            engine.close()
    except CrmError as error:
        print(error.sentence, file=sys.stderr)
        return int(error.exit_code)
    for table, (rows, columns, seconds) in sorted(found.items(), key=lambda item: -item[1][2]):
        print(f"{seconds:8.2f} s  {table}: {columns} columns of {rows:,} rows")
    seconds = sum(one[2] for one in found.values())
    print(f"{sum(one[0] for one in found.values()):,} rows: {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
