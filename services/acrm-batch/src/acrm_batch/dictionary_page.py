"""The dictionary as one HTML page: every code and every published column, with its lineage."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from acrm_batch.lineage import Origins, origins_of
from acrm_batch.project import Project
from crm_shared.landing import TABLES as LANDING
from crm_shared.published import TABLES as PUBLISHED
from crm_shared.published_columns import meaning

_STYLE = """
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1c2430;
  background: #fff; margin: 0 auto; max-width: 1360px; padding: 24px; }
h1 { font-size: 22px; margin-bottom: 4px; }
h2 { font-size: 18px; margin-top: 40px; border-bottom: 1px solid #d5dbe3; }
h3 { font-size: 15px; margin: 28px 0 4px; } p { margin: 2px 0 6px; }
.faint { color: #5b6675; font-size: 12px; } b { font-weight: 600; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 13px; }
th { text-align: left; color: #5b6675; position: sticky; top: 0; background: #fff; }
td, th { padding: 5px 14px 5px 0; vertical-align: top; border-bottom: 1px solid #eef1f5;
  overflow-wrap: anywhere; }
code, .lineage { font-size: 12px; } nav { line-height: 2; } nav a { margin-right: 14px; }
summary { cursor: pointer; color: #5b6675; } :target { background: #fff3c4; }
@media print { tr { break-inside: avoid; } th { position: static; } }
"""

_KINDS = {"indicator": ("指标", "Indicators"), "tag": ("标签", "Tags")}

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


def render(project: Project) -> str:
    """The page: indicators by class, tags by family, published tables, landing tables, models."""
    origins = origins_of(project)
    rows = project.catalogue.dictionary(origins.inputs())
    sections = [
        (f"{zh} · {en}", _codes(project, [row for row in rows if row["kind"] == kind]))
        for kind, (zh, en) in _KINDS.items()
    ]
    sections += [
        ("发布表 · Published tables", _published(origins)),
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
        " columns that a value is made of, conditions included; * 仅取行数 only the rows count.</p>"
        f"<nav>{nav}</nav>{body}</body></html>\n"
    )


def _codes(project: Project, rows: list[dict[str, object]]) -> str:
    """A table per class of indicators or family of tags."""
    heads = {"编码 Code": 15, "名称 Name": 14, "口径 Formula": 23, "单位 Unit": 6, "粒度 Grain": 9,
             "负责 Owner": 7, "来源 Inputs": 14, "审计 Audits": 12}  # fmt: skip
    found = ""
    for group in dict.fromkeys(str(row["class"]) for row in rows):
        cells = [_code(project, row) for row in rows if row["class"] == group]
        title = f"{group} {_GROUPS.get(group, '')}"
        found += f"<h3>{escape(title)}</h3>{_table(heads, cells)}"
    return found


def _code(project: Project, row: dict[str, object]) -> Sequence[str]:
    code, model = str(row["code"]), str(row["model"])
    inputs = row["inputs"] if isinstance(row["inputs"], list) else []
    adds = '<br><span class="faint">可加 additive</span>' if row["additive"] else ""
    return (
        f'<code id="{escape(code)}">{_breakable(code)}</code><br>'
        f'<span class="faint">版本 version {row["version"]}</span>',
        f"{escape(str(row['name_zh']))}<br>{escape(str(row['name_en']))}",
        escape(str(row["formula"])),
        f"{_UNITS[str(row['unit'])] if row['unit'] else ''}{adds}",
        "<br>".join(_GRAINS[grain] for grain in str(row["grain"]).split(",")),
        escape(str(row["owner"])),
        f'{_inputs(inputs)}<a class="faint" href="#m-{model}">{escape(model)}</a>',
        f'<span class="faint">{"<br>".join(escape(one) for one in _audits(project, model))}</span>',
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


def _breakable(code: str) -> str:
    """A code that may be broken after its parts."""
    return escape(code).replace("_", "_<wbr>").replace("/", "/<wbr>")


def _audits(project: Project, name: str) -> Iterator[str]:
    """What is audited of a model, in short."""
    model = project.models.get(name)
    if model is None:
        return
    if model.key:
        yield f"unique({', '.join(model.key)})"
    for audit in model.audits:
        warns = " (warns)" if audit.get("severity") == "warn" else ""
        for kind, told in audit.items():
            if kind != "severity":
                yield f"{kind}: {_told(told)}{warns}"


def _told(told: object) -> str:
    """What an audit is told, as its author wrote it."""
    if isinstance(told, dict):
        return "; ".join(f"{name} {_told(value)}" for name, value in told.items())
    return ", ".join(map(str, told)) if isinstance(told, list) else str(told)


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
        found += (
            f"<h3>{escape(table.name)}</h3><p>{escape(table.description)}</p>"
            f'<p class="faint">{made}</p>{_table(heads, cells)}'
        )
    return found


def _landing(rows: Iterable[dict[str, object]]) -> str:
    """Every delivered column, and the codes that change with it."""
    used: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        for one in row["inputs"] if isinstance(row["inputs"], list) else ():
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
         f'<span class="faint">{"<br>".join(map(escape, _audits(project, model.name)))}</span>')
        for model in sorted(project.models.values(), key=lambda model: model.name)
    ]  # fmt: skip
    return _table(heads, cells)


def _table(heads: dict[str, int], rows: Iterable[Sequence[str]]) -> str:
    """A table; the heads are given with the widths of their columns in per cent."""
    head = "".join(f'<th style="width: {width}%">{one}</th>' for one, width in heads.items())
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
