"""The models as they lie on disk: SQL with front matter, what they read, and their order."""

import hashlib
import re
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml
from yaml import CSafeLoader

from acrm_batch.catalogue import Catalogue
from crm_shared.errors import UsageError

_FRONT_MATTER = re.compile(r"\A/\*---\n(.*?)\n---\*/\n", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*")
_READS = re.compile(r"\b(?:from|join)\s+((?:landing\.)?[a-z_][a-z0-9_]*)", re.IGNORECASE)
_NAMED = re.compile(r"(?:\bwith\s+|,\s*)(?:recursive\s+)?([a-z_][a-z0-9_]*)\s+as\s*\(", re.I)
_PARAM = re.compile(r"\bparam\(\s*'([a-z0-9_.]+)'\s*\)")
_ANY_PARAM = re.compile(r"\bparam\(\s*'([a-z0-9_.]+)'")

#: How a model is kept: a view over landing files, a partition per business date, or one per month
#: end (delivered), which may read its own previous one as `<model>_before`.
Partition = Literal["view", "as_of", "month_end"]

#: What a model may read back of a source: days, the code of a parameter that holds days, `month`
#: (since the last day of the month before) or `month_end` (since the month end delivered before).
Window = int | str


@dataclass(frozen=True)
class Model:
    """One model. It is a pure function of a business date and its input partitions."""

    name: str
    kind: str
    description: str
    partition: Partition
    sql: str
    key: tuple[str, ...] = ()
    window: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    audits: tuple[dict[str, Any], ...] = ()
    pack: str | None = None
    version: int = 1

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The relations it names after FROM or JOIN, without its own common table expressions,
        and those that its audits compare it with."""
        text = _COMMENT.sub("", self.sql)
        named = {name.lower() for name in _NAMED.findall(text)}
        read = {name.lower() for name in _READS.findall(text)} - named
        read |= {audit["equal_sums"]["with"] for audit in self.audits if "equal_sums" in audit}
        return tuple(sorted(read - {f"{self.name}_before", "lateral", "unnest"}))

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """The codes of the parameters it asks for, windows included."""
        spans = [s for spans in self.window.values() for s in spans]
        windows = {s for s in spans if isinstance(s, str) and "." in s}
        return tuple(sorted(set(_ANY_PARAM.findall(self.sql)) | windows))

    @cached_property
    def union_wide_parameters(self) -> frozenset[str]:
        """Those of which one value holds for the whole union: bound, or days of a window."""
        spans = {str(span) for spans in self.window.values() for span in spans}
        return frozenset(_PARAM.findall(self.sql)) | (spans & set(self.parameters))

    @cached_property
    def bound_sql(self) -> str:
        """The SQL with union-wide parameters as bind variables; `param(code, entity)` stays."""
        return _PARAM.sub(lambda match: "$" + bind_name(match[1]), self.sql)

    @cached_property
    def text_hash(self) -> str:
        """Changes with anything an author may edit in the file."""
        parts = (self.sql, repr(self.key), repr(self.window), repr(self.before),
                 repr(self.audits), repr(self.pack), str(self.version), self.partition)  # fmt: skip
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def bind_name(code: str) -> str:
    """The bind variable of a parameter."""
    return "p_" + code.replace(".", "_")


class Project:
    """All models and the catalogue, in an order in which every model follows what it reads."""

    def __init__(self, models: dict[str, Model], catalogue: Catalogue) -> None:
        self.models = models
        self.catalogue = catalogue
        graph = {
            model.name: [name for name in model.reads if name in models]
            for model in models.values()
        }
        try:
            self.order = tuple(TopologicalSorter(graph).static_order())
        except CycleError as error:
            raise UsageError(
                f"Models read each other in a circle: {' -> '.join(error.args[1])}; break it."
            ) from None

    @classmethod
    def load(cls, folder: Path | None = None) -> "Project":
        """Read `models/` and `catalogue/` of a folder, by default those of the package."""
        root = folder or Path(str(files("acrm_batch")))
        catalogue = Catalogue.load(root / "catalogue")
        models = {}
        for path in sorted((root / "models").rglob("*.sql")):
            model = parse_model(path, catalogue)
            models[model.name] = model
        return cls(models, catalogue)

    def upstream(self, name: str) -> set[str]:
        """Every model that this one reads, directly or not."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for read in self.models[waiting.pop()].reads:
                if read in self.models and read not in found:
                    found.add(read)
                    waiting.append(read)
        return found

    def downstream(self, name: str) -> set[str]:
        """Every model that reads this one, directly or not."""
        return {other for other in self.models if name in self.upstream(other)}

    def select(self, selectors: tuple[str, ...]) -> set[str]:
        """Models named by `NAME`, `kind:KIND`, `+NAME` (with what it reads), `NAME+` (with what
        reads it). Without a selector, all. What a selected model reads is always added."""
        if not selectors:
            return set(self.models)
        chosen: set[str] = set()
        for selector in selectors:
            name = selector.strip("+")
            if name.startswith("kind:"):
                found = {m.name for m in self.models.values() if m.kind == name[5:]}
            else:
                found = {name} & set(self.models)
            if not found:
                raise UsageError(
                    f"No model is called {name!r}; `acrm plan` lists the models, and kind:KIND "
                    "selects a kind."
                )
            if selector.endswith("+"):
                found |= {below for one in found for below in self.downstream(one)}
            chosen |= found
        return chosen | {above for one in chosen for above in self.upstream(one)}


def parse_model(path: Path, catalogue: Catalogue) -> Model:
    """Read a model file; `UsageError` names the file whose front matter cannot be read."""
    text = path.read_text(encoding="utf-8")
    match = _FRONT_MATTER.match(text)
    try:
        matter = yaml.load(match[1], CSafeLoader) if match else None
    except yaml.YAMLError as error:
        raise UsageError(f"The front matter of {path.name} is not YAML: {error}.") from None
    if not isinstance(matter, dict) or match is None:
        raise UsageError(f"{path.name} has no front matter; begin it with /*--- and ---*/.")
    known = {"description", "kind", "partition", "key", "window", "before", "audits", "pack",
             "version"}  # fmt: skip
    if unknown := set(matter) - known:
        raise UsageError(f"{path.name} says {', '.join(sorted(unknown))}, which nothing reads.")
    sql = text[match.end() :].strip().rstrip(";")
    kind = str(matter.get("kind", ""))
    if kind == "tags":
        sql = catalogue.tags_sql(sql)
    pack = matter.get("pack")
    if pack is not None:
        sql = catalogue.packed_sql(sql, str(pack), tuple(matter["key"]))
    return Model(
        name=path.stem,
        kind=kind,
        description=str(matter.get("description", "")),
        partition=matter.get("partition", "view"),
        sql=sql,
        key=tuple(matter.get("key", ())),
        window={
            name: tuple(spans) if isinstance(spans, list) else (spans,)
            for name, spans in matter.get("window", {}).items()
        },
        before=matter.get("before", {}),
        audits=tuple(matter.get("audits", ())),
        pack=pack,
        version=int(matter.get("version", 1)),
    )
