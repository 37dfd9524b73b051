"""Rules of tags that nobody can follow: which tag, what it names, and in which file it stands."""

from collections.abc import Iterator
from itertools import chain

import sqlglot
from sqlglot import exp

from acrm_batch.catalogue import Catalogue, Tag
from acrm_batch.lineage import Origins
from acrm_batch.project import Project
from crm_shared.errors import UsageError


def unreadable_rules(catalogue: Catalogue) -> Iterator[str]:
    """One sentence per tag whose condition or strength is no SQL."""
    for tag in catalogue.tags:
        try:
            _columns(tag)
        except sqlglot.errors.SqlglotError:
            yield (
                f"Tag {tag.path} has a rule that is not SQL ({tag.rule}); correct"
                f" catalogue/tags/{tag.file}."
            )


def unknown_names(project: Project) -> Iterator[str]:
    """One sentence per name that a tag asks for and nothing that its model reads has."""
    for model in project.models.values():
        if model.kind != "tags":
            continue
        above = {name: project.models[name] for name in project.upstream(model.name)}
        origins = Origins(Project(above, project.catalogue))
        known = {column for read in model.reads for column in origins.columns_of(read)}
        for tag in project.catalogue.tags:
            unknown = sorted(_columns(tag) - known)
            if not unknown and not (tag.formula_zh and tag.formula_en):
                yield (
                    f"Tag {tag.path} does not say its rule in words of both languages: give it"
                    f" `words` in catalogue/tags/{tag.file}, or name its columns and codes in"
                    " catalogue/words.yml."
                )
            for name in unknown:
                yield (
                    f"Tag {tag.path} names {name}, which neither an indicator nor another column of"
                    f" {', '.join(model.reads)} is called; correct catalogue/tags/{tag.file}."
                )


def tag_fault(project: Project, name: str) -> UsageError | None:
    """What is wrong with the first tag of which something is, if this is the model of the tags."""
    if project.models[name].kind != "tags":
        return None
    found = chain(unreadable_rules(project.catalogue), unknown_names(project))
    return next((UsageError(sentence) for sentence in found), None)


def _columns(tag: Tag) -> set[str]:
    trees = [sqlglot.parse_one(text or "true", "duckdb") for text in (tag.condition, tag.strength)]
    return {column.name.lower() for tree in trees for column in tree.find_all(exp.Column)}
