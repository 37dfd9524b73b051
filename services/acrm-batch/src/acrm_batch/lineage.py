"""Lineage: from a code of the catalogue back to the columns of models and of landing tables."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from acrm_batch.column_lineage import ROWS, Column, Sources, Traced, Tracer
from acrm_batch.inputs import source
from acrm_batch.project import Project
from crm_shared.errors import UsageError
from crm_shared.landing import TABLES as LANDING
from crm_shared.published import TABLES as PUBLISHED

_LANDING = "landing."

#: Columns of a model that are published masked, encrypted and as an index.
_PROTECTED = ("document_no", "phone")

#: The model by which a tier is decided and its service standard judged.
STANDARDS = "int_service"

#: The day of a delivery, by which every delivered row can be told.
_DELIVERED_ON = "business_date"


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a code comes from: each column on the way with what it is made of, the code's own
    first, and the landing columns at the end. `relation.*` are the rows of a relation. Of a model
    there is its description, in English alone."""

    code: str
    formula_zh: str | None
    formula_en: str
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    landing_columns: tuple[str, ...]

    @property
    def landing_tables(self) -> tuple[str, ...]:
        """The tables of the landing columns."""
        return tuple(sorted({column.partition(".")[0] for column in self.landing_columns}))


class Origins:
    """What every column of a project is made of. Tracing all models takes a second, so it is done
    when first asked for, and once for all that is asked of the same object."""

    def __init__(self, project: Project) -> None:
        self.project = project

    @cached_property
    def _traced(self) -> dict[str, Traced]:
        tracer = Tracer({
            f"{_LANDING}{name}{ending}": [*(c.name for c in table.columns), _DELIVERED_ON]
            for name, table in LANDING.items()
            for ending in ("", "_history")
        })  # fmt: skip
        return {name: tracer.trace(self.project.models[name]) for name in self.project.order}

    def columns_of(self, model: str) -> tuple[str, ...]:
        """The columns of a model, in their order."""
        return tuple(self._traced[model].columns)

    def steps(self, columns: Iterable[Column]) -> Iterator[tuple[Column, Sources]]:
        """These columns of models and all on the way to the landing, each with what it is made of;
        a model's before those that it reads."""
        met: set[Column] = set()
        waiting = set(columns)
        while waiting:
            met |= waiting
            waiting = {
                one
                for column in waiting
                for one in self._made_of(column)
                if one not in met and not one[0].startswith(_LANDING)
            }
        place = {name: number for number, name in enumerate(self.project.order)}
        for column in sorted(met, key=lambda one: (-place[one[0]], one[1])):
            yield column, self._made_of(column)

    def landing_columns(self, columns: Iterable[Column]) -> list[str]:
        """The landing columns, `table.column`, that columns of models are made of in the end; of a
        table of which no column matters but only how many rows there are, `table.*`."""
        found = {
            (source(relation.removeprefix(_LANDING))[0], name)
            for _, made_of in self.steps(columns)
            for relation, name in made_of
            if relation.startswith(_LANDING)
        }
        with_columns = {table for table, name in found if name != ROWS}
        return sorted(
            f"{table}.{name}" for table, name in found if name != ROWS or table not in with_columns
        )

    def of_codes(self) -> dict[str, list[Column]]:
        """The columns that hold every code of the dictionary: an indicator's measures, a tag, and
        of a service standard all by which it is judged."""
        catalogue = self.project.catalogue
        codes = {
            one.code: [(one.model, name) for name in sorted(one.measures)]
            for one in catalogue.indicators
        }
        codes |= {tag.path: [("tag_customers", tag.column)] for tag in catalogue.tags}
        return codes | {
            one.code: [(STANDARDS, name) for name in self.columns_of(STANDARDS)]
            for one in catalogue.standards
        }

    def inputs(self) -> dict[str, list[str]]:
        """The landing columns of every code."""
        return {code: self.landing_columns(columns) for code, columns in self.of_codes().items()}

    def of_published(self, table: str, name: str) -> list[str]:
        """The landing columns of a column of a published table; none where it is the catalogue's,
        or the business date."""
        model = f"pub_{table}"
        if model not in self.project.models:
            return []
        known = self.columns_of(model)
        # What is stored of a document or phone number is made of the number itself.
        plain = next(
            (one for one in _PROTECTED if one.partition("_")[0] == name.partition("_")[0]), ""
        )
        column = name if name in known else plain
        return self.landing_columns([(model, column)]) if column in known else []

    def lineage(self, code: str) -> Lineage:
        """The lineage of an indicator, a tag, a model, or a column of a model or a published table,
        `model.column`; `UsageError` where nothing is called so."""
        (zh, en), columns = self._meant(code)
        return Lineage(
            code,
            zh,
            en,
            tuple(
                (_text(column), tuple(_text(one) for one in sorted(made_of)))
                for column, made_of in self.steps(columns)
            ),
            tuple(self.landing_columns(columns)),
        )

    def _meant(self, code: str) -> tuple[tuple[str | None, str], list[Column]]:
        """The formula of a code in Chinese and in English, or the description of a model; and its
        columns."""
        codes, models = self.of_codes(), self.project.models
        if code in codes:
            catalogue = self.project.catalogue
            formulas = {one.code: (one.formula_zh, one.formula_en) for one in catalogue.indicators}
            formulas |= {tag.path: (tag.formula_zh, tag.formula_en) for tag in catalogue.tags}
            formulas |= {one.code: (one.in_words_zh, one.in_words_en)
                         for one in catalogue.standards}  # fmt: skip
            return formulas[code], codes[code]
        relation, _, name = code.partition(".")
        model = f"pub_{relation}" if relation in PUBLISHED else relation
        if model in models:
            known = self.columns_of(model)
            described = (None, models[model].description)
            if not name:
                return described, [(model, one) for one in (*known, ROWS)]
            if name in known:
                return described, [(model, name)]
            raise UsageError(f"{relation} has no column {name}; it has {', '.join(known)}.")
        raise UsageError(f"Nothing is called {code}; `acrm dictionary` lists the codes.")

    def _made_of(self, column: Column) -> Sources:
        model, name = column
        traced = self._traced[model]
        return (traced.rows if name == ROWS else traced.columns[name]) - {column}


@lru_cache(maxsize=2)
def origins_of(project: Project) -> Origins:
    """What every column of a project is made of, traced once for whoever asks in a process."""
    return Origins(project)


def _text(column: Column) -> str:
    return ".".join(column)
