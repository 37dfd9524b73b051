"""Lint: what is wrong with the models and the catalogue before anything runs.

SQLGlot reads every model a second time, so that what the runner finds by FROM and JOIN is held
against a real parser.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache

import sqlglot
from sqlglot import exp

from acrm_batch import portability
from acrm_batch.audits import audit_faults
from acrm_batch.catalogue import EVERYBODY
from acrm_batch.inputs import source as source_of
from acrm_batch.lineage import origins_of
from acrm_batch.model import Model
from acrm_batch.names import name_faults
from acrm_batch.project import Project
from acrm_batch.snapshot import UNCOUNTED
from acrm_batch.tag_rules import unknown_names, unreadable_rules
from crm_shared.errors import UsageError
from crm_shared.landing import TABLES
from crm_shared.published import TABLES as PUBLISHED
from crm_shared.reminder_rules import RULES

#: An average over what is counted, of which there may be none; days and parameters are above 0.
_OVER_NOBODY = re.compile(r"average\(.+, (?:sum|max|min|count)\(")


def lint(project: Project) -> list[str]:
    """One sentence per fault."""
    faults = [fault for model in project.models.values() for fault in _model(project, model)]
    faults += _catalogue(project)
    if not faults:
        # What is not a model at all can be neither translated nor traced, nor can a tag of nothing.
        faults += unknown_names(project)
    if not faults:
        faults += portability.faults(project)
        faults += _untraceable(project)
    faults += [
        f"Landing table {name} has no staging model stg_{name}."
        for name in TABLES
        if f"stg_{name}" not in project.models
    ]
    faults += [
        f"Published table {name} has no model pub_{name}."
        for name in PUBLISHED
        if name != "dictionary" and f"pub_{name}" not in project.models
    ]
    return faults


def _model(project: Project, model: Model) -> Iterator[str]:
    name = model.name
    if not model.description:
        yield f"{name} has no description."
    if not model.key:
        yield f"{name} has no key."
    if not model.sql.lstrip().startswith("--") and model.pack is None and model.kind != "tags":
        yield f"{name} does not begin with its grain (-- One row per …)."
    for read in model.reads:
        source = read.removeprefix("landing.")
        if read.startswith("landing."):
            if model.kind != "staging":
                yield f"{name} reads {read}; only staging models read landing tables."
            if source_of(source)[0] not in TABLES:
                yield f"{name} reads {read}, which the contract does not know."
        elif read not in project.models:
            yield f"{name} reads {read}, which is no model."
        elif project.models[read].partition == "published":
            yield f"{name} reads {read}, which is made only while it is published."
        elif _needs_window(project, read) and read not in model.window:
            yield f"{name} reads {read} without a window; say how many days back."
    for code in set(model.parameters) - project.catalogue.parameter_codes:
        yield f"{name} asks for parameter {code}, which catalogue/params does not have."
    for read in set(model.window) - set(model.reads):
        yield f"{name} has a window on {read}, which it does not read."
    yield from _kept(model)
    yield from audit_faults(project, model)
    yield from _parsed(model)


def _kept(model: Model) -> Iterator[str]:
    if model.ranges_of not in (None, *model.reads):
        yield f"{model.name} is made in ranges of {model.ranges_of}, which it does not read."
    if model.partition == "view" and "$" in model.sql:
        yield f"{model.name} is a view and cannot have bind variables."
    if model.partition == "published" and model.kind != "publish":
        yield f"{model.name} is kept nowhere; only models of the kind publish can be so."
    if model.partition == "published" and model.audits:
        yield f"{model.name} has audits, but is kept nowhere; audit what it reads."


def _needs_window(project: Project, read: str) -> bool:
    model = project.models[read]
    if model.partition != "view":
        return False
    table = model.reads[0].removeprefix("landing.")
    name, is_history = source_of(table)
    return is_history or TABLES[name].kind == "event"


def _parsed(model: Model) -> Iterator[str]:
    try:
        tables = _tables(model.bound_sql)
    except sqlglot.errors.SqlglotError as error:
        yield f"{model.name} cannot be parsed: {str(error).splitlines()[0]}"
        return
    read = tables - {f"{model.name}_before", *model.references}
    if read | model.audited != set(model.reads):
        differ = sorted((read | model.audited) ^ set(model.reads))
        yield f"{model.name}: the parser and the runner differ on what it reads ({differ})."
    if f"{model.name}_before" in tables and not model.before:
        yield f"{model.name} reads its month end before without declaring `before` columns."


@lru_cache(maxsize=1024)
def _tables(sql: str) -> frozenset[str]:
    """What a query reads, its common table expressions left out."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    named = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
    tables = {
        f"{table.db}.{table.name}".lstrip(".").lower()
        for table in tree.find_all(exp.Table)
        if table.name
    }
    return frozenset(tables - named)


def _untraceable(project: Project) -> list[str]:
    """The first model of which nobody could tell what its columns are made of."""
    try:
        origins_of(project).inputs()
    except UsageError as error:
        return [error.sentence]
    return []


def columns_of(model: Model) -> frozenset[str]:
    """The columns that a model's text says it has, without those behind a star."""
    return _named_columns(model.bound_sql)


@lru_cache(maxsize=1024)
def _named_columns(sql: str) -> frozenset[str]:
    tree = sqlglot.parse_one(sql, read="duckdb")
    return frozenset(name.lower() for name in getattr(tree, "named_selects", ()))


def _catalogue(project: Project) -> Iterator[str]:
    catalogue = project.catalogue
    codes = [one.code for one in catalogue.indicators] + [tag.path for tag in catalogue.tags]
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield f"{code} is in the catalogue more than once."
    models = project.models.values()
    for code in sorted(
        catalogue.parameter_codes - {c for model in models for c in model.parameters}
    ):
        yield f"Parameter {code} is read by no model and no tag; take it out of params."
    yield from name_faults(catalogue)
    yield from _union_wide(project)
    for one in catalogue.indicators:
        for name in {one.model, *(f"ind_{family}" for family in one.elsewhere.values())}:
            known = columns_of(project.models[name])
            for measure in sorted(one.measures - known):
                yield f"{one.code} aggregates {measure}, which {name} does not have."
        if not (one.name_zh and one.name_en and one.formula_zh and one.formula_en and one.owner):
            yield f"{one.code} needs both names, its formula in both languages and an owner."
        if _OVER_NOBODY.search(one.sql):
            yield f"{one.code} divides by what may be 0; write average(…, nullif(…, 0))."
        if one.column.startswith(UNCOUNTED):
            yield f"{one.code} would be left out of the snapshot by its name; call it otherwise."
    yield from unreadable_rules(catalogue)
    yield from _reminders(project)


def _union_wide(project: Project) -> Iterator[str]:
    """No legal entity has its own value where one holds for all, and somebody says why it does."""
    why = project.catalogue.why_union_wide
    askers = defaultdict(list)
    for model in project.models.values():
        for code in model.union_wide_parameters:
            askers[code].append(model.name)
    for code in sorted(set(askers) - set(why)):
        yield (
            f"Parameter {code} has one value for the whole union in {', '.join(askers[code])}: say"
            f" why under `union_wide` of its entry, or ask for param('{code}', legal_entity_id)."
        )
    for code in sorted(set(why) - set(askers)):
        yield (
            f"Parameter {code} says why one value holds for the whole union, but no model asks for"
            f" param('{code}'); take `union_wide` out of its entry."
        )
    for value in project.catalogue.parameters:
        if value.legal_entity_id != EVERYBODY and value.code in askers:
            yield (
                f"Parameter {value.code} has a value of legal entity {value.legal_entity_id}, but"
                " one value holds for the whole union: take it out, or have the models ask for"
                f" param('{value.code}', legal_entity_id)."
            )


def _reminders(project: Project) -> Iterator[str]:
    """Every rule of the batch is raised by what int_due_reminders unites, and may be withdrawn."""
    models = project.models
    due = models.get("int_due_reminders")
    days = models["int_due_days"].sql if "int_due_days" in models else ""
    united = set(due.reads if due else ()) - {"int_due_days"}
    raised = "".join(models[name].sql for name in sorted(united & set(models)))
    for rule in RULES.values():
        if rule.path == "stream":
            continue
        if f"'{rule.code}'" not in raised:
            yield f"Reminder rule {rule.code} is in no model that int_due_reminders unites."
        if f"'{rule.code}'" not in days:
            yield f"int_due_days does not say how many days ahead {rule.code} is raised."
