"""The dictionary as one HTML page: every code and every published column, with its lineage."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from acrm_batch.lineage import landing_tables_of
from acrm_batch.project import Project
from crm_shared.landing import TABLES as LANDING
from crm_shared.published import TABLES as PUBLISHED

_STYLE = """
body { font: 14px/1.5 system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif; color: #1c2430;
  background: #fff; margin: 0 auto; max-width: 1200px; padding: 24px; }
h1 { font-size: 22px; } h2 { font-size: 18px; margin-top: 36px; border-bottom: 1px solid #d5dbe3; }
h3 { font-size: 15px; margin: 20px 0 4px; } .faint { color: #5b6675; font-size: 12px; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: #5b6675; }
td, th { padding: 4px 12px 4px 0; vertical-align: top; border-bottom: 1px solid #eef1f5;
  overflow-wrap: anywhere; } code { font-size: 12px; } nav a { margin-right: 12px; }
@media print { tr { break-inside: avoid; } }
"""

_KINDS = {"indicator": ("指标", "Indicators"), "tag": ("标签", "Tags")}


def render(project: Project) -> str:
    """The page: indicators by class, tags by family, published tables, landing tables, models."""
    rows = project.catalogue.dictionary(landing_tables_of(project))
    sections = [
        (f"{zh} · {en}", _codes(project, [row for row in rows if row["kind"] == kind]))
        for kind, (zh, en) in _KINDS.items()
    ]
    sections += [
        ("发布表 · Published tables", _published(project)),
        ("交付表 · Landing tables", _landing()),
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
        f'<p class="faint">{len(rows)} codes</p><nav>{nav}</nav>{body}</body></html>\n'
    )


def _codes(project: Project, rows: list[dict[str, object]]) -> str:
    """A table per class of indicators or family of tags."""
    heads = ("编码 Code", "名称 Name", "口径 Formula", "单位 Unit", "粒度 Grain", "负责 Owner",
             "来源 Inputs", "审计 Audits")  # fmt: skip
    found = ""
    for group in sorted({str(row["class"]) for row in rows}):
        cells = [_code(project, row) for row in rows if row["class"] == group]
        found += f"<h3>{escape(group)}</h3>{_table(heads, cells)}"
    return found


def _code(project: Project, row: dict[str, object]) -> Sequence[str]:
    model = project.models.get(str(row["model"]))
    inputs = row["inputs"] if isinstance(row["inputs"], list) else []
    path = " ← ".join([str(row["model"]), *(model.reads if model else ())][:6])
    adds = "可加 additive" if row["additive"] else ""
    return (
        f'<code id="{escape(str(row["code"]))}">{escape(str(row["code"]))}</code>',
        f"{escape(str(row['name_zh']))}<br>{escape(str(row['name_en']))}",
        escape(str(row["formula"])),
        f"{escape(str(row['unit'] or ''))} {adds}",
        escape(str(row["grain"])),
        escape(str(row["owner"])),
        f"{escape(', '.join(inputs))}<br><span class=faint>{escape(path)}</span>",
        "<br>".join(escape(one) for one in _audits(project, str(row["model"]))),
    )


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
                yield f"{kind}: {told}{warns}"


def _published(project: Project) -> str:
    """Every column of every published table, with the models and landing tables behind it."""
    inputs = landing_tables_of(project)
    found = ""
    for table in PUBLISHED.values():
        model = project.models.get(f"pub_{table.name}")
        behind = ", ".join(inputs.get(f"pub_{table.name}", [])) or "catalogue"
        reads = ", ".join(model.reads) if model else "catalogue"
        columns = [("business_date", "date", False), *table.columns]
        cells = [
            (f"<code>{escape(table.name)}.{escape(name)}</code>", escape(type_),
             "可空 nullable" if nullable else "")
            for name, type_, nullable in columns
        ]  # fmt: skip
        found += (
            f"<h3>{escape(table.name)}</h3><p>{escape(table.description)}</p>"
            f"<p class=faint>{escape(reads)} ← {escape(behind)}</p>"
            + _table(("列 Column", "类型 Type", ""), cells)
        )
    return found


def _landing() -> str:
    found = ""
    for table in LANDING.values():
        cells = [
            (f"<code>{escape(table.name)}.{escape(column.name)}</code>", escape(column.type),
             "个人信息 personal" if column.personal else "")
            for column in table.columns
        ]  # fmt: skip
        found += f"<h3>{escape(table.name)}</h3>" + _table(("列 Column", "类型 Type", ""), cells)
    return found


def _models(project: Project) -> str:
    cells = [
        (f"<code>{escape(model.name)}</code>", escape(model.description),
         escape(", ".join(model.reads)),
         "<br>".join(escape(one) for one in _audits(project, model.name)))
        for model in sorted(project.models.values(), key=lambda model: model.name)
    ]  # fmt: skip
    return _table(("模型 Model", "说明 Description", "读取 Reads", "审计 Audits"), cells)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
