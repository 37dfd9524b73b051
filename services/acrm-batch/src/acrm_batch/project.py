"""The models as they lie on disk: SQL with front matter, what they read, and their order."""

import re
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.resources import files
from pathlib import Path

import yaml
from yaml import CSafeLoader

from acrm_batch.catalogue import Catalogue
from acrm_batch.catalogue_files import load_catalogue
from acrm_batch.festivals import festivals
from acrm_batch.marts import with_full_marts
from acrm_batch.model import Model
from acrm_batch.rollups import with_rollups
from acrm_batch.scoring.lifetime_card import lifetime_sql
from acrm_batch.scoring.sql import score_sql
from crm_shared.errors import UsageError
from crm_shared.published import TABLES as PUBLISHED

_FRONT_MATTER = re.compile(r"\A/\*---\n(.*?)\n---\*/\n", re.DOTALL)
_PACKED = {"indicators", "tags", "path", "strength"}
_KNOWN = {"description", "kind", "partition", "key", "window", "before", "at", "audits", "pack",
          "families", "without", "ranges_of", "version"}  # fmt: skip


class Project:
    """All models and the catalogue, in an order in which every model follows what it reads."""

    def __init__(self, models: dict[str, Model], catalogue: Catalogue) -> None:
        self.models = models
        self.catalogue = catalogue
        graph = {
            model.name: [name for name in model.follows if name in models]
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
        """Read `models/` and `catalogue/` of a folder; those of the package, which are the default,
        are read once by a process."""
        return _packaged() if folder is None else cls._read(folder)

    @classmethod
    def _read(cls, root: Path) -> "Project":
        catalogue = load_catalogue(root / "catalogue")
        known = festivals()
        models = {known.name: known}
        for path in sorted((root / "models").rglob("*.sql")):
            model = parse_model(path, catalogue)
            models[model.name] = model
        models = with_full_marts(with_rollups(models, catalogue), catalogue)
        return cls(models, catalogue)

    def upstream(self, name: str) -> set[str]:
        """Every model that this one reads, directly or not."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            for read in self.models[waiting.pop()].follows:
                if read in self.models and read not in found:
                    found.add(read)
                    waiting.append(read)
        return found

    def downstream(self, name: str) -> set[str]:
        """Every model that reads this one, directly or not."""
        return {other for other in self.models if name in self.upstream(other)}

    def select(self, selectors: tuple[str, ...]) -> set[str]:
        """Models named by `NAME`, `kind:KIND`, `tag:PATH` (a tag or a level of tags),
        `indicator:CODE`, `+NAME` (with what it reads), `NAME+` (with what reads it). Without a
        selector, all. What a selected model reads is always added."""
        if not selectors:
            return set(self.models)
        chosen: set[str] = set()
        for selector in selectors:
            found = self._named(selector.strip("+"))
            if selector.endswith("+"):
                found |= {below for one in found for below in self.downstream(one)}
            chosen |= found
        return chosen | {above for one in chosen for above in self.upstream(one)}

    def _named(self, name: str) -> set[str]:
        """The models of a selector; `UsageError` with the nearest names where there are none."""
        what, _, code = name.rpartition(":")
        if what == "kind":
            known = {model.kind for model in self.models.values()}
            found = {model.name for model in self.models.values() if model.kind == code}
        elif what == "tag":
            known = {tag.path for tag in self.catalogue.tags} | set(self.catalogue.levels)
            tags = {model.name for model in self.models.values() if model.kind == "tags"}
            found = tags if code in known else set()
        elif what == "indicator":
            known = {one.code for one in self.catalogue.indicators}
            found = self._families(code)
        else:
            what, code, known = "model", name, set(self.models)
            found = {name} & known
        if not found:
            near = get_close_matches(code, sorted(known), n=3, cutoff=0.5)
            nearest = f"; the nearest: {', '.join(near)}" if near else ""
            listed = "`acrm plan`" if what == "model" else "`acrm dictionary`"
            raise UsageError(
                f"No {what} is called {code!r}{nearest}. {listed} lists what there is; select with"
                " NAME, kind:KIND, tag:PATH or indicator:CODE."
            )
        return found

    def _families(self, code: str) -> set[str]:
        """The models with the measures of an indicator."""
        return {
            model
            for one in self.catalogue.indicators
            if one.code == code
            for model in (one.model, *(f"ind_{family}" for family in one.elsewhere.values()))
        }


@cache
def _packaged() -> Project:
    return Project._read(Path(str(files("acrm_batch"))))


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
    if unknown := set(matter) - _KNOWN:
        raise UsageError(f"{path.name} says {', '.join(sorted(unknown))}, which nothing reads.")
    sql = text[match.end() :].strip().rstrip(";")
    kind = str(matter.get("kind", ""))
    if kind == "tags":
        sql = catalogue.tags_sql(sql)
    if kind == "scores":
        sql = score_sql(catalogue.cards, sql)
    if kind == "lifetime":
        sql = lifetime_sql(catalogue.lifetime, sql)
    pack = matter.get("pack")
    if pack is not None:
        published = PUBLISHED[path.stem.removeprefix("pub_")].column_names
        kept = [name for name in published if name not in _PACKED]
        if pack == "strengths":
            sql = catalogue.strengths_sql(sql, kept)
        else:
            sql = catalogue.packed_sql(sql, str(pack), kept)
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
        at={name: tuple(references) for name, references in matter.get("at", {}).items()},
        audits=tuple(matter.get("audits", ())),
        pack=pack,
        families=matter.get("families"),
        without=tuple(matter.get("without", ())),
        ranges_of=matter.get("ranges_of"),
        version=int(matter.get("version", 1)),
    )
