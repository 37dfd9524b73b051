"""Who may import whom: the contracts hold, and a planted violation is found."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (ROOT / "shared" / "src", *sorted((ROOT / "services").glob("*/src")))
LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter over the copy of the sources in a folder."""
    return subprocess.run(
        [LINT_IMPORTS, "--config", folder / "pyproject.toml", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(p) for p in folder.glob("src*"))},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The sources of every package and the contracts, in a folder to spoil."""
    for number, source in enumerate(SOURCES):
        shutil.copytree(source, tmp_path / f"src{number}")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(copied: Path, module: str, line: str) -> None:
    """Write a module with one forbidden import."""
    package, _, name = module.rpartition(".")
    folder = next(copied.glob(f"src*/{package.replace('.', '/')}"))
    (folder / f"{name}.py").write_text(line + "\n")


def test_the_contracts_hold(copied: Path) -> None:
    result = check(copied)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("alerting.planted", "import acrm_batch", "Services never import each other"),
        ("acrm_batch.planted", "import ocrm_api", "Services never import each other"),
        ("crm_shared.planted", "import alerting", "The shared package imports no service"),
    ],
)
def test_a_planted_violation_is_found(copied: Path, module: str, line: str, contract: str) -> None:
    plant(copied, module, line)
    result = check(copied)
    assert result.returncode != 0
    assert f"{contract} BROKEN" in result.stdout
