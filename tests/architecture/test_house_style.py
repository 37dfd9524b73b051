"""Rules of the house that a tool can check."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(
    path
    for folder in (ROOT / "shared" / "src", *(ROOT / "services").glob("*/src"), ROOT / "deploy")
    for path in folder.rglob("*.py")
)
FORBIDDEN_NAMES = {"utils", "helpers", "common", "core", "misc", "util", "helper"}


def public_without_docstring(module: Path) -> Iterator[str]:
    """Public modules, classes, functions and methods that nobody explained."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    if ast.get_docstring(tree) is None and "versions" not in module.parts:
        yield "the module"
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    parents: list[ast.Module | ast.ClassDef] = [tree, *classes]
    for parent in parents:
        if isinstance(parent, ast.ClassDef) and (parent.name.startswith("_") or parent.bases):
            continue  # what a base or a protocol explains is not explained again
        for node in parent.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None and "migrations" not in module.parts:
                yield f"{node.name} (line {node.lineno})"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_public_is_explained(module: Path) -> None:
    assert list(public_without_docstring(module)) == []


def test_no_folder_is_called_by_a_name_that_says_nothing() -> None:
    assert [path for path in MODULES if {*path.parts, path.stem} & FORBIDDEN_NAMES] == []


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in (*MODULES, *(ROOT / "tests").rglob("*.py"))
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
