"""A day at the bank, as `make demo` tells it: every service, real servers, known answers."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = Path(os.environ.get("CRM_REAL_DATA") or ROOT.parent / "shared" / "data")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def tell(folder: Path, **choices: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the demo to its report; what it printed, and the report."""
    given = {"ONCE": "1", "CRM_DEMO_DIR": str(folder / "demo"), "COLUMNS": "120"} | choices
    result = subprocess.run(
        [sys.executable, "-m", "deploy.demo"],
        cwd=ROOT,
        env={**os.environ, **given},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    report: dict[str, Any] = json.loads((folder / "demo.json").read_text())
    return result, report


def left_running(folder: Path) -> list[str]:
    """Command lines of processes that still know the demo's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in environment:
            found.append((entry / "cmdline").read_text().replace("\0", " "))
    return found


def test_a_generated_bank_meets_its_planted_truth(tmp_path: Path) -> None:
    result, report = tell(tmp_path, CUSTOMERS="2000")
    assert len(report["rules"]) == 27
    for code, tally in report["rules"].items():
        assert tally["planted"] > 0, f"nothing was planted for {code}"
        assert (tally["missing"], tally["false"]) == (0, 0), code
    assert report["coverage"]["customers"] > 1500
    assert report["coverage"]["wrong"] == 0
    assert report["ledger"]["difference"] == "0.00"
    assert {login["role"] for login in report["logins"]} >= {
        "relationship_manager",
        "branch_head",
        "operations",
    }
    assert set(report["seconds"]) >= {"generate", "batch", "replay", "drain", "total"}
    assert "missing" in result.stdout
    told = (tmp_path / "demo" / "logs" / "notifications.jsonl").read_text().splitlines()
    assert report["notified"] == f"Notifications: {len(told)} made, {len(told)} sent."
    assert {json.loads(one)["type"] for one in told} == {
        "notification.urgent", "notification.digest",
    }  # fmt: skip
    assert left_running(tmp_path) == []


@pytest.mark.skipif(
    not (REAL_DATA / "berka").is_dir(), reason=f"the real Berka files are not in {REAL_DATA}"
)
def test_the_real_berka_bank_meets_the_facts_of_its_source(tmp_path: Path) -> None:
    _, report = tell(tmp_path, DATA="berka")
    assert report["right"]
    assert report["ledger"]["accounts"] == 1139
    assert report["ledger"]["published"] == "36,575,946.10"
    for name, fact in report["facts"].items():
        assert fact["found"] == fact["expected"], name
    assert left_running(tmp_path) == []
