"""A package declares what it imports itself, and nothing that it does not use."""

import ast
import re
import sys
import tomllib
from importlib import metadata
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECTS = (
    ROOT / "shared",
    *sorted(path.parent for path in ROOT.glob("services/*/pyproject.toml")),
)

#: Used without an import of ours: what SQLAlchemy and uvicorn load by name, and plain files.
LOADED_BY_NAME = {"asyncpg", "uvicorn", "fastapi-offline"}


def canonical(name: str) -> str:
    """The name of a distribution as comparisons need it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(source: Path) -> set[str]:
    """The distributions whose modules a tree of sources imports, without the standard library."""
    providers = {**metadata.packages_distributions(), "crm_shared": ["crm-shared"]}
    modules: set[str] = set()
    for path in source.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.partition(".")[0])
    own = {path.name for path in source.iterdir()}
    return {
        canonical(providers[module][0])
        for module in modules - set(sys.stdlib_module_names) - own
        if module in providers
    }


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_declared_is_what_is_imported(project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    names, optional = (
        {canonical(re.split(r"[\[<>=~! ]", requirement)[0]) for requirement in requirements}
        for requirements in (
            declared["dependencies"],
            chain.from_iterable(declared.get("optional-dependencies", {}).values()),
        )
    )
    used = imported(project / "src")
    assert used - names - optional == set(), "imported and not declared"
    assert names - used - LOADED_BY_NAME == set(), "declared and not imported"
