"""The report as one HTML page: no script, no other file, fit for paper."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from html import escape
from zoneinfo import ZoneInfo

from acrm_batch.drift import Drift
from acrm_batch.report.charts import bars, both_ways
from acrm_batch.report.facts import Comparison, Facts
from acrm_batch.report.said import audit_said, reason_said
from acrm_batch.report.texts import Language, text
from crm_shared.published_names import names_of

_SHOWN_MODELS = 25
_SHOWN_ROWS = 25
_SHOWN_DRIFT = 20
_TOLD_DRIFT = 10
_SHOWN_TAGS = 30

_STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1c2430;
  background: #fff; margin: 0 auto; max-width: 1000px; padding: 24px; }
h1 { font-size: 22px; margin: 0 0 4px; } h2 { font-size: 17px; margin: 32px 0 8px;
  border-bottom: 1px solid #d5dbe3; padding-bottom: 4px; }
h3 { font-size: 14px; margin: 16px 0 4px; }
.whole, .badge, th, nav a { white-space: nowrap; }
.badge { border-radius: 4px; padding: 2px 10px; font-size: 14px; vertical-align: 3px; }
.good { background: #dff3e4; color: #14532d; } .bad { background: #fde2e1; color: #7f1d1d; }
.care { background: #fdf0d0; color: #713f12; }
.box { border-left: 4px solid #b91c1c; background: #fef4f3; padding: 8px 12px; margin: 12px 0;
  overflow-wrap: anywhere; }
.facts { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 12px 0; }
.facts div { min-width: 90px; } .facts b { display: block; font-size: 18px; }
.faint, .facts span { color: #5b6675; fill: #5b6675; font-size: 12px; }
table { border-collapse: collapse; width: 100%; margin: 8px 0; } th { text-align: left;
  font-weight: 600; color: #5b6675; border-bottom: 1px solid #b9c2ce; }
td, th { padding: 3px 10px 3px 0; vertical-align: top; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr + tr td { border-top: 1px solid #eef1f5; }
svg { max-width: 100%; height: auto; font-size: 12px; } svg text { fill: #1c2430; }
.bar { fill: #3b6ea8; } .more { fill: #2f8058; } .less { fill: #b4552d; }
.passed { fill: #2f8058; } .warned { fill: #d19a2a; } .blocked { fill: #b91c1c; }
.axis { stroke: #8a94a3; } .mark { stroke: #b91c1c; stroke-dasharray: 3 3; }
details summary { cursor: pointer; color: #3b6ea8; } nav a { margin-right: 14px; color: #3b6ea8; }
@media print { body { padding: 0; max-width: none; } nav { display: none; }
  h2 { break-after: avoid; } svg, tr { break-inside: avoid; } }
"""


class _Page:
    """Sections in one language."""

    def __init__(self, facts: Facts, language: Language) -> None:
        self.facts = facts
        self.language: Language = language

    def t(self, key: str, **values: object) -> str:
        return escape(text(key, self.language, **values))

    def name(self, code: str) -> str:
        """A code with its name, as text that is not escaped yet."""
        names = self.facts.names.get(code)
        return f"{names[self.language == 'en']} {code}" if names else code

    def seconds(self, seconds: float) -> str:
        if seconds < 100:
            return text("in_seconds", self.language, seconds=f"{seconds:.2f}")
        minutes, rest = divmod(round(seconds), 60)
        return text("in_minutes", self.language, minutes=minutes, seconds=rest)

    def table_name(self, name: str) -> str:
        """A published table with its name."""
        called = names_of(name)
        return f"{called[self.language == 'en']} {name}"

    def html(self) -> str:
        facts = self.facts
        sections: list[tuple[str, Callable[[], str]]] = [
            ("audits", self.audits), ("timings", self.timings), ("row_changes", self.row_changes),
            ("drift", self.drift), ("tags", self.tags), ("coverage", self.coverage),
            ("reminders", self.reminders), ("publication", self.publication),
            ("all_steps", self.steps),
        ]  # fmt: skip
        nav = " ".join(f'<a href="#{key}">{self.t(key)}</a>' for key, _ in sections)
        body = "".join(
            f'<section id="{key}"><h2>{self.t(key)}</h2>{make()}</section>'
            for key, make in sections
        )
        title = f"{self.t('title')} {facts.business_date}"
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{title}</title><style>{_STYLE}</style></head><body>"
            f"<h1>{title} {self.badge()}</h1>{self.summary()}<nav>{nav}</nav>{body}</body></html>\n"
        )

    def badge(self) -> str:
        run = self.facts.run
        kind = "good" if run["outcome"] == "ok" else "bad"
        if kind == "good" and run["audits_warned"]:
            kind = "care"
        published = "published" if run["published"] else "not_published"
        return f'<span class="badge {kind}">{self.t(run["outcome"])} · {self.t(published)}</span>'

    def summary(self) -> str:
        run = self.facts.run
        made = [step for step in self.facts.steps if step["outcome"] == "made"]
        began: datetime = run["started_at"].astimezone(ZoneInfo("Asia/Shanghai"))
        told = [
            ("command", run["command"]),
            ("started", f"{began:%Y-%m-%d %H:%M:%S}"),
            ("duration", self.seconds(float(run["seconds"]))),
            ("steps_made", f"{len(made):,}"),
            ("rows_made", f"{sum(step['rows'] or 0 for step in made):,}"),
            ("audits_failed", f"{run['audits_failed']:,}"),
            ("audits_warned", f"{run['audits_warned']:,}"),
        ]
        facts = "".join(
            f"<div><span>{self.t(key)}</span><b>{escape(str(value))}</b></div>"
            for key, value in told
        )
        trouble = ""
        if run["outcome"] not in ("ok", "running"):
            said = reason_said(run["message"] or "", self.language) if run["message"] else ""
            said = escape(said or text(run["outcome"], self.language))
            trouble = f'<div class="box"><b>{said}</b><br>{self.t("what_to_do")}</div>'
        return f'{trouble}<div class="facts">{facts}</div>'

    def audits(self) -> str:
        found = self.facts.audits
        failed = [one for one in found if one["failed_rows"]]
        passed = len(found) - len(failed)
        if not found:
            return f"<p>{self.t('no_audits')}</p>"
        warned = sum(one["severity"] == "warn" for one in failed)
        counts = {"passed": passed, "warned": warned, "blocked": len(failed) - warned}
        chart = bars(
            [(text(f"audits_{kind}", self.language), n, f"{n:,}") for kind, n in counts.items()],
            kinds=tuple(counts),
        )
        if not failed:
            return f"{chart}<p>{self.t('all_passed', n=f'{passed:,}')}</p>"
        rows = [
            (_mark(one["severity"] == "error", self.t(one["severity"])), escape(one["model"]),
             _whole(one["as_of"]), escape(one["audit"]), f"{one['failed_rows']:,}",
             escape(audit_said(one["sentence"], self.language)))
            for one in failed
        ]  # fmt: skip
        heads = ("severity", "model", "as_of", "audit", "failed_rows", "meaning")
        others = f"<p>{self.t('others_passed', n=f'{passed:,}')}</p>"
        return chart + self.table(heads, rows, {4}) + others

    def timings(self) -> str:
        steps = sorted(self.facts.steps, key=lambda step: -step["seconds"])
        shown = [
            (_at(step, self.facts), float(step["seconds"]), self.seconds(float(step["seconds"])))
            for step in steps[:_SHOWN_MODELS]
        ]
        rest = steps[_SHOWN_MODELS:]
        seconds = float(sum(step["seconds"] for step in rest))
        others = self.t("others", n=len(rest), seconds=self.seconds(seconds)) if rest else ""
        return f'{bars(shown)}<p class="faint">{others}</p>'

    def row_changes(self) -> str:
        """Rows of each model made for the date, against its partition before."""
        known = [
            (step["model"], step["rows"], self.facts.rows_before[step["model"]])
            for step in self.facts.steps
            if step["as_of"] == self.facts.business_date
            and step["rows"] is not None
            and step["model"] in self.facts.rows_before
        ]
        if not known:
            return f"<p>{self.t('no_rows_before')}</p>"
        changed = [(model, rows, before) for model, rows, before in known if rows != before]
        if not changed:
            return f"<p>{self.t('no_row_changes', n=len(known))}</p>"
        changed.sort(key=lambda row: (-abs(_share(row[1], row[2])), row[0]))
        chart = both_ways([
            (model, max(-1.0, min(1.0, _share(rows, before))),
             f"{_change(rows, before)} → {rows:,}" if before else f"0 → {rows:,}")
            for model, rows, before in changed[:_SHOWN_ROWS]
        ])  # fmt: skip
        note = self.t("row_note", changed=len(changed), same=len(known) - len(changed))
        return f'{chart}<p class="faint">{note}</p>'

    def steps(self) -> str:
        rows = []
        for step in self.facts.steps:
            before = self.facts.rows_before.get(step["model"])
            change = ""
            if step["rows"] is not None and before:
                change = _change(step["rows"], before)
            bad = step["outcome"] in ("blocked", "failed")
            rows.append((
                escape(step["model"]), _whole(step["as_of"]),
                _mark(True, self.t(step["outcome"])) if bad else self.t(step["outcome"]),
                f"{step['seconds']:.2f}", _number(step["rows"]), _number(before), change,
                escape(reason_said(step["reason"], self.language)),
            ))  # fmt: skip
        heads = ("model", "as_of", "outcome", "seconds", "rows", "rows_before", "change", "reason")
        return self.table(heads, rows, {3, 4, 5, 6})

    def compared(self, make: Callable[[Comparison], str]) -> str:
        """A part for each earlier date."""
        if not self.facts.has_snapshot:
            return f"<p>{self.t('no_snapshot')}</p>"
        if not self.facts.comparisons:
            return f"<p>{self.t('nothing_before')}</p>"
        return "".join(
            f"<h3>{self.t('compared', day=one.before)}</h3>{make(one)}"
            for one in self.facts.comparisons
        )

    def drift(self) -> str:
        return self.compared(self.drift_against) + f'<p class="faint">{self.t("drift_note")}</p>'

    def drift_against(self, one: Comparison) -> str:
        moved = [drift for drift in one.drift if drift.index >= 0.01][:_SHOWN_DRIFT]
        if not moved:
            return f"<p>{self.t('no_drift')}</p>"
        chart = bars(
            [(self.name(drift.code), drift.index, f"{drift.index:.3f}") for drift in moved],
            marks=((0.1, "0.1"), (0.25, "0.25")),
        )
        heads = ("indicator", "index", "mean", "before", "median", "before", "zeros", "before")
        return chart + self.table(
            heads, [self.drift_row(drift) for drift in moved], set(range(1, 8))
        )

    def drift_row(self, one: Drift) -> Sequence[str]:
        return (
            escape(self.name(one.code)), f"{one.index:.3f}",
            _figure(one.mean), _figure(one.mean_before),
            _figure(one.median), _figure(one.median_before),
            f"{one.zero_share:.1%}", f"{one.zero_share_before:.1%}",
        )  # fmt: skip

    def tags(self) -> str:
        return self.compared(self.tags_against)

    def tags_against(self, one: Comparison) -> str:
        moved = sorted(
            ((path, now, before) for path, now, before in one.tags if now != before),
            key=lambda row: (-abs(row[1] - row[2]), row[0]),
        )[:_SHOWN_TAGS]
        if not moved:
            return f"<p>{self.t('no_tags')}</p>"
        return both_ways([
            (self.name(path), now - before, f"{now - before:+,} → {now:,}")
            for path, now, before in moved
        ])  # fmt: skip

    def coverage(self) -> str:
        return self.compared(self.coverage_against)

    def coverage_against(self, one: Comparison) -> str:
        moves = bars([
            (text(key, self.language), one.moves[key], f"{one.moves[key]:,}") for key in one.moves
        ])  # fmt: skip
        rows = [
            (self.t(f"rule_{rule}"), f"{now:,}", f"{before:,}", f"{now - before:+,}")
            for rule, now, before in one.rules
        ]
        return moves + self.table(("rule", "now", "before", "change"), rows, {1, 2, 3})

    def reminders(self) -> str:
        if not self.facts.reminders:
            return f"<p>{self.t('no_reminders')}</p>"
        return bars([(self.name(code), n, f"{n:,}") for code, n in self.facts.reminders])

    def publication(self) -> str:
        if not self.facts.publication:
            return f"<p>{self.t('nothing_published')}</p>"
        rows = [
            (escape(self.table_name(name)), f"{count:,}")
            for name, count in self.facts.publication.items()
        ]
        return self.table(("table", "rows"), rows, {1})

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: set[int]) -> str:
        """A table of cells that are HTML already; columns of numbers to the right."""

        def cells(tag: str, row: Sequence[str]) -> str:
            return "".join(
                f"<{tag}{' class=n' if at in numbers else ''}>{cell}</{tag}>"
                for at, cell in enumerate(row)
            )

        head = cells("th", [self.t(key) for key in heads])
        body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def render(facts: Facts, language: Language) -> str:
    """The whole page."""
    return _Page(facts, language).html()


def _whole(value: object) -> str:
    """What is not broken over lines."""
    return f'<span class="whole">{escape(str(value))}</span>'


def _mark(is_bad: bool, label: str) -> str:
    return f'<span class="badge {"bad" if is_bad else "care"}">{label}</span>'


def _at(step: dict[str, object], facts: Facts) -> str:
    """A step's model, with its date where it is another than the run's."""
    other = "" if step["as_of"] == facts.business_date else f" {step['as_of']}"
    return f"{step['model']}{other}"


def _share(rows: int, before: int) -> float:
    """By how much rows changed, as a share of those before; of none, all are new."""
    return (rows - before) / before if before else 1.0


def _change(rows: int, before: int) -> str:
    """The share by which rows changed; their number where the share says nothing."""
    told = f"{_share(rows, before):+.1%}"
    return f"{rows - before:+,}" if told in ("+0.0%", "-0.0%") else told


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _figure(value: float | None) -> str:
    """A mean or median with as many decimals as say something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"
