"""Every code with all that is said of it, as the page and `acrm dictionary` show it."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from acrm_batch.catalogue import Catalogue, Tag
from acrm_batch.lineage import STANDARDS, origins_of
from acrm_batch.project import Project


def entries(project: Project) -> list[dict[str, Any]]:
    """The codes as they are published, then the levels between families of tags and their leaves,
    and the service standard of every tier; each with its `audits`, those of the model that makes
    it, which block or warn before anything is published."""
    catalogue = project.catalogue
    inputs = origins_of(project).inputs()
    rows = catalogue.dictionary(inputs)
    rows += [_level(catalogue, path, tags, inputs) for path, tags in catalogue.levels.items()]
    rows += [
        {
            "code": one.code, "kind": "tier", "class": "TIER", "grain": "customer",
            "name_zh": one.name_zh, "name_en": one.name_en, "formula_zh": one.in_words_zh,
            "formula_en": one.in_words_en,
            "expression": f"param('service.visits_{one.tier}'), param('service.calls_{one.tier}')",
            "unit": "count", "additive": False, "owner": "retail-data", "model": STANDARDS,
            "version": 1, "inputs": inputs[one.code],
        } | asdict(one)
        for one in catalogue.standards
    ]  # fmt: skip
    return [row | {"audits": list(audits_of(project, row["model"]))} for row in rows]


def _level(
    catalogue: Catalogue, path: str, tags: Sequence[Tag], inputs: dict[str, list[str]]
) -> dict[str, Any]:
    """A level of tags: its names, and the leaves of which one holds."""
    name_zh, name_en = catalogue.level_names.get(path, (path, path))
    leaves_zh = "、".join(tag.name_zh for tag in tags)
    leaves_en = ", ".join(tag.name_en for tag in tags)
    return {
        "code": path, "kind": "tag_level", "class": path.partition("/")[0], "grain": "customer",
        "name_zh": name_zh, "name_en": name_en,
        "formula_zh": f"以下标签至少一个成立：{leaves_zh}。",
        "formula_en": f"At least one of these tags holds: {leaves_en}.",
        "expression": " or ".join(tag.column for tag in tags), "unit": None, "additive": False,
        "owner": tags[0].owner, "model": "tag_customers", "version": 1,
        "inputs": sorted({one for tag in tags for one in inputs[tag.path]}),
    }  # fmt: skip


def audits_of(project: Project, name: str) -> Iterator[str]:
    """What is audited of a model, in short."""
    model = project.models.get(name)
    if model is None:
        return
    if model.key:
        yield f"unique({', '.join(model.key)})"
    for audit in model.audits:
        warns = " (warns)" if audit.get("severity") == "warn" else ""
        for kind, told in audit.items():
            if kind != "severity":
                yield f"{kind}: {_told(told)}{warns}"


def _told(told: object) -> str:
    """What an audit is told, as its author wrote it."""
    if isinstance(told, dict):
        return "; ".join(f"{name} {_told(value)}" for name, value in told.items())
    return ", ".join(map(str, told)) if isinstance(told, list) else str(told)
