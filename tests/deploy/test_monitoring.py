"""Alerts, runbooks and the dashboard speak of what the services measure, and of one another."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from alerting import metrics
from ocrm_api.asgi.metrics import Metrics
from ocrm_api.notifications.metrics import NotifierMetrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
DASHBOARDS = sorted((ROOT / "deploy" / "grafana").glob("*.json"))

_CHINESE = re.compile("[\u4e00-\u9fff]")
_OURS = re.compile(r"\b(?:alerting|ocrm)_[a-z_]+")
_MATCHED = re.compile(r"\b((?:alerting|ocrm)_[a-z_]+)\{([^}]*)\}")
_LABEL = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"')


def exported() -> dict[str, set[str]]:
    """Every sample that the services export, with its labels."""
    ours = [
        *vars(metrics).values(), *vars(Metrics()).values(), *vars(NotifierMetrics()).values(),
    ]  # fmt: skip
    return {name: labels for one in ours if isinstance(one, MetricWrapperBase)
            for name, labels in _samples(one)}  # fmt: skip


def _samples(metric: MetricWrapperBase) -> Iterator[tuple[str, set[str]]]:
    endings = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    for family in metric.describe():
        for ending in endings[family.type]:
            extra = {"le"} if ending == "_bucket" else set()
            yield family.name + ending, {*metric._labelnames, *extra}


def alerts() -> list[dict[str, Any]]:
    document = yaml.safe_load((PROMETHEUS / "alerting.rules.yml").read_text(encoding="utf-8"))
    return [rule for group in document["groups"] for rule in group["rules"]]


def panels(dashboard: Path) -> list[dict[str, Any]]:
    document = json.loads(dashboard.read_text(encoding="utf-8"))
    return [one for one in document["panels"] if one["type"] != "row"]


def expressions() -> list[str]:
    """What is asked of Prometheus anywhere."""
    asked = [one["expr"] for one in alerts()]
    asked += re.findall(r"`([^`\n]*_[a-z]+\{?[^`\n]*\([^`\n]*)`", RUNBOOKS)
    return asked + [
        target["expr"]
        for dashboard in DASHBOARDS
        for panel in panels(dashboard)
        for target in panel["targets"]
    ]


RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")


def test_every_metric_and_label_that_is_asked_for_is_exported() -> None:
    known = exported()
    assert "alerting_batch_seconds_bucket" in known
    for expression in expressions():
        assert set(_OURS.findall(expression)) <= known.keys(), expression
        for name, matchers in _MATCHED.findall(expression):
            assert set(_LABEL.findall(matchers)) <= known[name], expression


@pytest.mark.parametrize("alert", alerts(), ids=lambda one: str(one["alert"]))
def test_an_alert_says_how_grave_it_is_and_what_it_means_in_both_languages(
    alert: dict[str, Any],
) -> None:
    assert alert["labels"]["severity"] in {"warning", "critical"}
    assert re.fullmatch(r"\d+m", alert["for"])
    said = alert["annotations"]
    for name in ("summary", "description"):
        assert not _CHINESE.search(said[name])
        assert _CHINESE.search(said[f"{name}_zh"])
        # Both name the same values.
        values = [sorted(re.findall(r"{{.*?}}", said[one])) for one in (name, f"{name}_zh")]
        assert values[0] == values[1]
    assert said["runbook_url"] == f"docs/runbooks.md#{alert['alert'].lower()}"


def test_every_job_that_is_asked_for_is_read() -> None:
    read = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))
    asked = {job for one in expressions() for job in re.findall(r'job="(\w+)"', one)}
    assert asked == {one["job_name"] for one in read["scrape_configs"]}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    names = [one["alert"] for one in alerts()]
    assert re.findall(r"^## (\w+)$", RUNBOOKS, re.M) == names
    sections = re.split(r"^## \w+$", RUNBOOKS, flags=re.M)[1:]
    for name, section in zip(names, sections, strict=True):
        assert _CHINESE.search(section), name
        for part in ("Means.", "Who is hit.", "Look.", "Do.", "Over when"):
            assert f"- **{part}**" in section, (name, part)
    anchors = {name.lower() for name in names}
    assert set(re.findall(r"\]\(#(\w+)\)", RUNBOOKS)) <= anchors


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_panel_has_a_title_in_both_languages_a_unit_and_a_place_of_its_own(
    dashboard: Path,
) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(dashboard):
        assert _CHINESE.search(panel["title"]), panel["title"]
        assert re.match(r"[A-Z]", panel["title"])
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert panel["targets"], panel["title"]
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                 for y in range(place["y"], place["y"] + place["h"])}  # fmt: skip
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
    numbers = [panel["id"] for panel in panels(dashboard)]
    assert len(set(numbers)) == len(numbers)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize(
    "words",
    [
        ["check", "config", "prometheus.yml"],
        ["test", "rules", "alerting.tests.yml", "calendar.tests.yml"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_prometheus_accepts_the_rules_and_they_fire_when_they_should(words: list[str]) -> None:
    done = subprocess.run(
        ["promtool", *words], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
