"""The report of a run: complete, in two languages, and there when a run fails."""

import re
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from acrm_batch import audits, history
from acrm_batch.audits import AuditBlockedError, blocked_sentence
from acrm_batch.batch import audit_date
from acrm_batch.cli import app
from acrm_batch.ledger import AuditResult, Ledger
from acrm_batch.model import Model
from acrm_batch.progress import Progress
from acrm_batch.project import Project
from acrm_batch.report import texts
from acrm_batch.report.charts import bars, both_ways
from acrm_batch.report.files import file_of
from acrm_batch.report.said import audit_said, reason_said
from tests.acrm_batch.conftest import FIRST, SECOND, Batch, Start
from tests.acrm_batch.processes import environment

_VOID = {"meta", "br"}


class Page(HTMLParser):
    """What a page loads from elsewhere, and whether its tags are in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href") and not (value or "").startswith("#"):
                self.loaded.append(f"{tag} {name}")
        if tag == "script":
            self.loaded.append(tag)
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def pages(crm: Batch, day: date) -> dict[str, str]:
    """The reports of a date by language."""
    root = crm.settings.warehouse_dir
    return {one: file_of(root, day, one).read_text(encoding="utf-8") for one in texts.LANGUAGES}


class Words(HTMLParser):
    """The texts between the tags of a page, those of its styles left out."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.is_style = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_style = tag == "style"

    def handle_data(self, data: str) -> None:
        if not self.is_style:
            self.found.append(data)


def in_english(page: str) -> list[str]:
    """The texts of a page with two English words side by side, which no code, condition or audit
    by its name has."""
    words = re.compile(r"(?<![\w(.$='])[A-Za-z][a-z]{2,} (?!and |or |not |is )[a-z]{2,}(?![\w=(.])")
    return [text for text in Words(page).found if words.search(text)]


def test_a_run_leaves_a_report_of_its_own(made: Start) -> None:
    bank, crm = made.bank, made.crm
    crm.run(FIRST, publishes=True)
    bank.move(11, SECOND, 900_000)
    bank.loan(22, 1, "B", granted_on=SECOND)
    bank.deliver(SECOND, since=SECOND)
    crm.run(SECOND, publishes=True)
    found = pages(crm, SECOND)
    for page in found.values():
        read = Page(page)
        assert (read.open, read.loaded) == ([], [])
        assert page.count("<svg") >= 4
        assert 'class="more"' in page and "pub_coverage" in page
        assert 'class="passed"' in page and 'id="row_changes"><h2>' in page
    assert "compared with 2026-01-01" in found["en"] and "与 2026-01-01 相比" in found["zh-CN"]
    changes = found["en"].split('id="row_changes"')[1].split("</section>")[0]
    assert "<svg" in changes and "models have more or fewer rows" in changes
    assert "Customers per tag" in found["en"] and "标签客户数变化" in found["zh-CN"]
    assert in_english(found["zh-CN"]) == [] and in_english(found["en"])
    assert "客户 customers" in found["zh-CN"] and "Customers customers" in found["en"]
    assert "存款日均最高的网点" in found["zh-CN"] and "模型、参数或输入有变化" in found["zh-CN"]
    before = file_of(crm.settings.warehouse_dir, SECOND, "en").stat().st_ino
    crm.run(SECOND, publishes=True)
    assert file_of(crm.settings.warehouse_dir, SECOND, "en").stat().st_ino == before


def test_a_run_that_is_blocked_leaves_a_report_that_says_why(made: Start) -> None:
    bank, crm = made.bank, made.crm
    bank.rows["balances"].append((SECOND, {"account_id": 11, "balance": 7}))
    bank.deliver(SECOND, since=SECOND)
    with pytest.raises(AuditBlockedError) as caught:
        crm.run(SECOND, publishes=True)
    assert in_english(pages(crm, SECOND)["zh-CN"]) == []
    assert "被审计 assert(" in pages(crm, SECOND)["zh-CN"]
    page = pages(crm, SECOND)["en"]
    assert "blocked by an audit" in page and "int_branch_ledger" in page
    assert caught.value.sentence.split(":")[0] in page
    assert page.index('<section id="audits">') < page.index('<section id="timings">')


def test_an_audit_asked_for_later_is_not_what_the_report_tells(made: Start) -> None:
    crm = made.crm
    with (
        Ledger.open(crm.database.acrm_owner, "test") as ledger,
        Progress(Console(), quiet=True) as progress,
    ):
        night = history.night_of(ledger, SECOND)
        before = file_of(crm.settings.warehouse_dir, SECOND, "en").stat().st_ino
        audit_date(crm.settings, SECOND, progress)
        after = history.night_of(ledger, SECOND)
        last = history.last_run(ledger, SECOND)
    assert night and after and last
    assert (after["run_id"], after["command"]) == (night["run_id"], "run")
    assert last["command"] == "audit"
    assert file_of(crm.settings.warehouse_dir, SECOND, "en").stat().st_ino == before


def test_the_command_writes_where_it_is_told(
    published: Batch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in environment(published).items():
        monkeypatch.setenv(name, value)

    def report(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, ["report", "--date", *arguments])
        return done.exit_code, done.stderr

    out = tmp_path / "new" / "report.html"
    assert report(str(SECOND), "--out", str(out), "--lang", "en") == (0, "")
    assert out.read_text().startswith('<!doctype html><html lang="en">')
    assert report("2026-03-01")[0] == 75
    assert report(str(SECOND), "--lang", "fr") == (
        2,
        "There is no report in 'fr'; say zh-CN or en.\n",
    )
    code, sentence = report(str(SECOND), "--out", "/proc/report.html")
    assert (code, sentence.count("\n")) == (1, 1)


def test_charts_escape_labels_and_shorten_long_ones() -> None:
    drawn = bars([("<b>", 1.0, "1"), ("标" * 40, 0.0, "0")], marks=((2.0, "2"),))
    assert "&lt;b&gt;" in drawn and "…" in drawn and "<b>" not in drawn
    assert both_ways([]).startswith("<svg")


def test_every_text_is_in_both_languages() -> None:
    for key, found in texts._TEXTS.items():
        assert len(found) == len(texts.LANGUAGES) and all(found), key


def known_columns(relation: str) -> list[str]:
    """What an audit finds in a relation where it names a pattern or a partition before."""
    return ["a", "tag_a", "score_a"]


def test_every_sentence_that_an_audit_may_say_is_told_in_chinese() -> None:
    """Each kind of audit of the models, and each that audits can name beside them."""
    project = Project.load()
    kinds: set[str] = set()
    for model in project.models.values():
        for test in audits._tests(model, known_columns, True):
            kinds.add(test.name.partition("(")[0])
            assert not audit_said(test.sentence, "zh-CN").startswith("系统原文"), test.sentence
        for one in model.audits:
            if "row_count_drift" in one:
                kinds.add("row_count_drift")
                said = audits._row_count(one, 9, 3).sentence
                assert not audit_said(said, "zh-CN").startswith("系统原文"), said
    everything = Model("m", "base", "", "as_of", "select 1", key=("k",), audits=(
        {"range": {"a": [0, 1]}}, {"freshness": {"a": 3}}, {"references": {"a": "m.k"}},
        {"accepted": {"a": ["x"]}}, {"share_drift": {"columns": ["a"], "max_points": 5}},
        {"mean_drift": {"columns": ["a"], "max_pct": "param('audit.tag_drift_pct')"}},
        {"holds_drift": {"columns": ["tag_*"], "max_pct": 20}},
        {"equal_sums": {"with": "m", "by": ["k"], "columns": ["a"]}},
        {"equal_sums": {"with": "m", "by": [], "columns": ["a"]}},
        {"equal_sums": {"with": "m", "by": ["k"], "columns": ["a"], "at_once": True}},
    ))  # fmt: skip
    for test in audits._tests(everything, known_columns, True):
        kinds.add(test.name.partition("(")[0])
        assert not audit_said(test.sentence, "zh-CN").startswith("系统原文"), test.sentence
    assert kinds == audits.KINDS | {"unique"}


def test_what_is_said_of_a_failure_keeps_its_figures() -> None:
    said = audit_said("values of k differ from other (for instance k 7 by 3.00; k 8 by 1.00)",
                      "zh-CN")  # fmt: skip
    assert said == "个 k 与 other 的金额不一致（例如 k 7 相差 3.00；k 8 相差 1.00）"
    blocked = blocked_sentence(
        Model("int_x", "base", "", "as_of", ""), SECOND,
        [AuditResult("not_null(a)", "error", 4, "rows have no a"),
         AuditResult("not_null(b)", "error", 1, "rows have no b")],
    )  # fmt: skip
    assert reason_said(blocked, "zh-CN") == (
        f"{SECOND} 的模型 int_x 被审计 not_null(a) 拦截：4 行缺少 a（另有 1 项审计未通过）；"
        "其结果不会发布。请纠正来源或模型后重新运行。"
    )
    assert reason_said(blocked, "en") == blocked
    assert reason_said("int_x failed", "zh-CN") == "上游 int_x 失败"
    assert reason_said("There is no room.", "zh-CN") == "系统原文：There is no room."
