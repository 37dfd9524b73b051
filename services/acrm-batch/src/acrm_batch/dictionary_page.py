"""The dictionary as one HTML page: every code and every published column, with its lineage."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from acrm_batch import snapshot_columns
from acrm_batch.dictionary import audits_of, entries
from acrm_batch.lineage import Origins, origins_of
from acrm_batch.project import Project
from crm_shared.landing import TABLES as LANDING
from crm_shared.published import TABLES as PUBLISHED
from crm_shared.published_columns import meaning
from crm_shared.published_names import names_of

_STYLE = """
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1c2430;
  background: #fff; margin: 0 auto; max-width: 1600px; padding: 24px; }
h1 { font-size: 22px; margin-bottom: 4px; }
h2 { font-size: 18px; margin-top: 40px; border-bottom: 1px solid #d5dbe3; }
h3 { font-size: 15px; margin: 28px 0 4px; } p { margin: 2px 0 6px; }
.en { color: #33404f; margin-top: 4px; }
.faint { color: #5b6675; font-size: 12px; } b { font-weight: 600; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 13px; }
th { text-align: left; color: #5b6675; position: sticky; top: 0; background: #fff; }
td, th { padding: 5px 14px 5px 0; vertical-align: top; border-bottom: 1px solid #eef1f5;
  overflow-wrap: anywhere; }
code, .lineage { font-size: 12px; } nav { line-height: 2; } nav a { margin-right: 14px; }
summary { cursor: pointer; color: #5b6675; } :target { background: #fff3c4; }
@media print { tr { break-inside: avoid; } th { position: static; } }
"""

_KINDS = {
    "indicator": ("指标", "Indicators"),
    "tag": ("标签", "Tags"),
    "tag_level": ("标签层级", "Levels of tags"),
    "tier": ("服务标准", "Service standards"),
}

#: What the classes of indicators and the families of tags are called.
_GROUPS = {
    "I01": "存款 · Deposits",
    "I02": "贷款 · Loans",
    "I03": "信用卡 · Credit cards",
    "I04": "财富与中间业务 · Wealth and fee business",
    "I05": "电子渠道 · Channels",
    "I06": "客户规模与结构 · Customer size and structure",
    "I07": "营销过程与效果 · Marketing process and effect",
    "BASIC": "基本属性 · Basic",
    "ACTIVITY": "活跃度 · Activity",
    "VALUE": "价值 · Value",
    "IN_BANK": "行内业务 · In-bank",
    "RISK": "风险 · Risk",
    "MARKETING": "营销 · Marketing",
    "POTENTIAL": "潜在客户 · Potential customers",
    "TIER": "客户层级 · Tiers",
}

_UNITS = {
    "money": "金额 money",
    "count": "个数 count",
    "days": "天数 days",
    "day_of_month": "日 day_of_month",
    "ratio": "比率 ratio",
    "hours": "小时 hours",
    "date": "日期 date",
    "code": "代码 code",
}
_GRAINS = {
    "customer": "客户 customer",
    "customer_branch": "客户×机构 customer × branch",
    "manager": "客户经理 manager",
    "branch": "机构 branch",
    "legal_entity": "行社 legal entity",
    "union": "省联社 union",
}

#: From how many columns or codes on they are folded away.
_MANY = 12

#: From how many characters on an expression is folded away.
_LONG = 60


def render(project: Project) -> str:
    """The page: indicators by class, tags by family; what is published, where it comes from."""
    origins = origins_of(project)
    rows = entries(project)
    sections = [
        (f"{zh} · {en}", _codes([row for row in rows if row["kind"] == kind]))
        for kind, (zh, en) in _KINDS.items()
    ]
    sections += [
        ("发布表 · Published tables", _published(origins)),
        ("快照 · Snapshot", _snapshot(project)),
        ("交付表 · Landing tables", _landing(rows)),
        ("模型 · Models", _models(project)),
    ]
    nav = "".join(f'<a href="#s{n}">{escape(title)}</a>' for n, (title, _) in enumerate(sections))
    body = "".join(
        f'<h2 id="s{n}">{escape(title)}</h2>{content}'
        for n, (title, content) in enumerate(sections)
    )
    return (
        '<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>数据字典 · Dictionary'
        f"</title><style>{_STYLE}</style></head><body><h1>数据字典 · Dictionary</h1>"
        f'<p class="faint">{len(rows)} 个编码 codes · 来源 inputs: 交付表与字段 landing tables and'
        " columns that a value is made of, conditions included; * 仅取行数 only the rows count."
        " 参数 parameters, as potential.idle_days: docs/rules.md, docs/rules/.</p>"
        f"<nav>{nav}</nav>{body}</body></html>\n"
    )


def _codes(rows: list[dict[str, Any]]) -> str:
    """A table per class of indicators or family of tags."""
    heads = {"编码 Code": 12, "名称 Name": 11, "口径 Formula": 25, "表达式 Expression": 14,
             "单位 Unit": 5, "粒度 Grain": 8, "负责 Owner": 6, "来源 Inputs": 10,
             "审计 Audits": 9}  # fmt: skip
    found = ""
    for group in sorted({str(row["class"]) for row in rows}, key=list(_GROUPS).index):
        cells = [_code(row) for row in rows if row["class"] == group]
        title = f"{group} {_GROUPS[group]}"
        found += f"<h3>{escape(title)}</h3>{_table(heads, cells)}"
    return found


def _code(row: dict[str, Any]) -> Sequence[str]:
    code, model = str(row["code"]), str(row["model"])
    adds = '<br><span class="faint">可加 additive</span>' if row["additive"] else ""
    return (
        f'<code id="{escape(code)}">{_breakable(code)}</code><br>'
        f'<span class="faint">版本 version {row["version"]}</span>',
        f"{escape(str(row['name_zh']))}<br>{escape(str(row['name_en']))}",
        f'{_breakable(row["formula_zh"])}<div class="en">{_breakable(row["formula_en"])}</div>',
        _folded(f"<code>{escape(row['expression'])}</code>", row["expression"]),
        f"{_UNITS[str(row['unit'])] if row['unit'] else '是否 yes or no'}{adds}",
        _grains(str(row["grain"]).split(",")),
        escape(str(row["owner"])),
        f'{_inputs(row["inputs"])}<a class="faint" href="#m-{model}">{escape(model)}</a>',
        f'<span class="faint">{"<br>".join(map(escape, row["audits"]))}</span>',
    )


def _inputs(inputs: Iterable[str]) -> str:
    """Landing columns by table; many are folded away under the names of their tables."""
    tables: dict[str, list[str]] = defaultdict(list)
    for one in inputs:
        table, _, column = one.partition(".")
        tables[table].append(column)
    lines = "".join(
        f"<div><b>{escape(table)}</b> {escape(', '.join(columns))}</div>"
        for table, columns in tables.items()
    )
    count = sum(len(columns) for columns in tables.values())
    if count > _MANY:
        lines = (
            f"<details><summary>{escape(', '.join(tables))} ({count})</summary>{lines}</details>"
        )
    return f'<div class="lineage">{lines}</div>'


def _grains(grains: Sequence[str]) -> str:
    if len(grains) == len(_GRAINS):
        return "各级 every grain"
    return "<br>".join(_GRAINS[grain] for grain in grains)


def _folded(html: str, text: str) -> str:
    """What is too long for a glance, behind its beginning."""
    if len(text) <= _LONG:
        return html
    return f"<details><summary><code>{escape(text[:_LONG])}…</code></summary>{html}</details>"


def _breakable(code: str) -> str:
    """A code that may be broken after its parts."""
    return escape(code).replace("_", "_<wbr>").replace("/", "/<wbr>")


def _published(origins: Origins) -> str:
    """Every column of every published table: what it says, and the landing columns behind it."""
    heads = {"列 Column": 24, "类型 Type": 12, "说明 Meaning": 34, "来源 Inputs": 30}
    found = ""
    for table in PUBLISHED.values():
        cells = []
        for name, type_, nullable in (("business_date", "date", False), *table.columns):
            said = meaning(table.name, name)
            may = '<br><span class="faint">可空 nullable</span>' if nullable else ""
            cells.append((
                f"<code>{escape(table.name)}.{escape(name)}</code>",
                escape(type_) + may,
                f"{escape(said.zh)}<br>{escape(said.en)}",
                _inputs(origins.of_published(table.name, name)),
            ))  # fmt: skip
        model = f"pub_{table.name}"
        made = (
            f'<a href="#m-{model}">{model}</a>' if model in origins.project.models else "catalogue"
        )
        called = names_of(table.name)
        found += (
            f"<h3>{escape(called.zh)} {escape(called.en)} · {escape(table.name)}</h3>"
            f'<p>{escape(called.description_zh)}</p><p class="en">{escape(table.description)}</p>'
            f'<p class="faint">{made}</p>{_table(heads, cells)}'
        )
    return found


def _snapshot(project: Project) -> str:
    """Every column of every table of a snapshot: what it says, or whose code's it is."""
    heads = {"列 Column": 30, "类型 Type": 14, "说明 Meaning": 56}
    found = ""
    for table, own in snapshot_columns.OWN.items():
        cells = [
            (f"<code>{table}.{name}</code>", escape(column.type),
             f"{escape(column.meaning.zh)}<br>{escape(column.meaning.en)}")
            for name, column in own.items()
        ]  # fmt: skip
        codes = snapshot_columns.of_codes(project.catalogue, table)
        lines = ", ".join(
            f'<a href="#{escape(code)}"><code>{table}.{column}</code></a>'
            for column, code in codes.items()
        )
        if lines:
            lines = (
                f"<details><summary>{len(codes)} 个编码的字段 columns of codes</summary>"
                f'<div class="lineage">{lines}</div></details>'
            )
        found += f"<h3>{table}</h3>{_table(heads, cells)}{lines}"
    return found


def _landing(rows: Iterable[dict[str, Any]]) -> str:
    """Every delivered column, and the codes that change with it."""
    used: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for one in row["inputs"]:
            used[one].append(str(row["code"]))
    heads = {"列 Column": 30, "类型 Type": 16, "用于 Used by": 54}
    found = ""
    for table in LANDING.values():
        cells = [
            (
                f"<code>{escape(table.name)}.{escape(column.name)}</code>",
                escape(column.type)
                + ('<br><span class="faint">个人信息 personal</span>' if column.personal else ""),
                _links(used[f"{table.name}.{column.name}"]),
            )
            for column in table.columns
        ]
        found += f"<h3>{escape(table.name)}</h3>" + _table(heads, cells)
    return found


def _links(codes: Sequence[str]) -> str:
    links = ", ".join(f'<a href="#{escape(one)}">{escape(one)}</a>' for one in codes)
    if len(codes) > _MANY:
        links = f"<details><summary>{len(codes)} 个编码 codes</summary>{links}</details>"
    return f'<div class="lineage">{links}</div>'


def _models(project: Project) -> str:
    heads = {"模型 Model": 20, "说明 Description": 32, "读取 Reads": 24, "审计 Audits": 24}
    cells = [
        (f'<code id="m-{model.name}">{_breakable(model.name)}</code>', escape(model.description),
         escape(", ".join(model.reads)),
         f'<span class="faint">{"<br>".join(map(escape, audits_of(project, model.name)))}</span>')
        for model in sorted(project.models.values(), key=lambda model: model.name)
    ]  # fmt: skip
    return _table(heads, cells)


def _table(heads: dict[str, int], rows: Iterable[Sequence[str]]) -> str:
    """A table; the heads are given with the widths of their columns in per cent."""
    head = "".join(f'<th style="width: {width}%">{one}</th>' for one, width in heads.items())
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
