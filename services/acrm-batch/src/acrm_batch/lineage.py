"""Lineage: from a code of the catalogue back to the models and landing tables it is made of."""

from dataclasses import dataclass

from acrm_batch.inputs import source
from acrm_batch.project import Project
from crm_shared.errors import UsageError


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a code comes from: each model with what it reads, the code's own model first."""

    code: str
    formula: str
    models: tuple[tuple[str, tuple[str, ...]], ...]
    landing_tables: tuple[str, ...]


def landing_tables_of(project: Project) -> dict[str, list[str]]:
    """The landing tables behind every model."""
    found = {}
    for name in project.models:
        every = {name, *project.upstream(name)}
        tables = {
            source(read.removeprefix("landing."))[0]
            for one in every
            for read in project.models[one].reads
            if read.startswith("landing.")
        }
        found[name] = sorted(tables)
    return found


def lineage(project: Project, code: str) -> Lineage:
    """The lineage of an indicator, a tag or a model; `UsageError` where nothing is called so."""
    catalogue = project.catalogue
    by_code = {one.code: (one.model, one.formula) for one in catalogue.indicators}
    by_code |= {tag.path: ("tag_customers", tag.formula) for tag in catalogue.tags}
    by_code |= {name: (name, model.description) for name, model in project.models.items()}
    if code not in by_code:
        raise UsageError(f"Nothing is called {code}; `acrm dictionary` lists the codes.")
    model, formula = by_code[code]
    every = [name for name in reversed(project.order) if name in project.upstream(model)]
    models = tuple((name, project.models[name].reads) for name in (model, *every))
    return Lineage(code, formula, models, tuple(landing_tables_of(project)[model]))
