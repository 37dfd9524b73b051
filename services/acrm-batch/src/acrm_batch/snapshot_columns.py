"""What every column of a snapshot says, in Chinese and in English.

`customers` and `customer_branches` have a column for each code besides: an indicator's is the code
in small letters, a leaf tag's a BOOLEAN.
"""

from typing import NamedTuple

from acrm_batch.catalogue import Catalogue
from crm_shared.published_columns import Meaning, meaning


class Column(NamedTuple):
    """A column that is no code's: its type in DuckDB, and what it says."""

    type: str
    meaning: Meaning


def of_codes(catalogue: Catalogue, table: str) -> dict[str, str]:
    """The columns of a table that hold what a code says, and which code."""
    if table == "customer_branches":
        return {one.column: one.code for one in catalogue.at_grain("customer_branch")}
    if table == "customers":
        indicators = {one.column: one.code for one in catalogue.at_grain("customer")}
        return indicators | {tag.column: tag.path for tag in catalogue.tags}
    return {}


def _same(type_: str, table: str, column: str) -> Column:
    """One that says what the published column of that name does."""
    return Column(type_, meaning(table, column))


def _column(type_: str, zh: str, en: str) -> Column:
    return Column(type_, Meaning(zh, en))


_NUMBER, _TEXT = "BIGINT", "VARCHAR"
_CODE = _column(_TEXT, "指标编码", "Code of an indicator")

#: By table, its columns that are no code's.
OWN: dict[str, dict[str, Column]] = {
    "customers": {
        "lead_legal_entity_id": _column(
            _TEXT, "主办网点所属法人", "Legal entity of the lead branch; empty where it has none"
        ),
        "customer_id": _same(_NUMBER, "customers", "customer_id"),
        "legal_entity_id": _column(
            _TEXT, "开户网点所属法人", "Legal entity of the home branch; empty where it has none"
        ),
        "lead_branch_id": _same(_TEXT, "customers", "lead_branch_id"),
        "covering_branches": _column(
            _NUMBER, "主办与协办网点数", "How many branches lead or assist"
        ),
        "is_key_customer": _same("BOOLEAN", "customers", "is_key_customer"),
        "lead_manager_id": _same(_TEXT, "coverage_decisions", "lead_manager_id"),
        "coverage_rule": _same(_TEXT, "coverage", "rule"),
        "covering_branch_ids": _same("VARCHAR[]", "customers", "covering_branch_ids"),
    },
    "customer_branches": {
        "branch_id": _same(_TEXT, "coverage", "branch_id"),
        "customer_id": _same(_NUMBER, "coverage", "customer_id"),
        "role": _same(_TEXT, "coverage", "role"),
        "manager_ids": _column(
            "VARCHAR[]", "该网点负责该客户的客户经理", "Managers of the customer at this branch"
        ),
    },
    "org_units": {
        name: _same(_TEXT, "org_units", name)
        for name in (
            "org_id",
            "parent_id",
            "org_type",
            "name_zh",
            "name_en",
            "region",
            "legal_entity_id",
        )
    },
    "dictionary": {
        "code": _same(_TEXT, "dictionary", "code"),
        "column_name": _column(
            _TEXT, "该编码在 customers 中的字段", "The code's column in customers"
        ),
    }
    | {
        name: _same(_TEXT, "dictionary", name)
        for name in ("kind", "name_zh", "name_en", "unit", "formula_zh", "formula_en", "expression")
    },
    "populations": {
        "path": _column(_TEXT, "标签编码", "Code of a leaf tag"),
        "customers": _column(_NUMBER, "有该标签的客户数", "How many customers have it"),
    },
    "statistics": {
        "code": _CODE,
        "customers": _column(
            _NUMBER,
            "抽样客户数；每隔若干客户取一户，其余字段均按抽样计算",
            "Customers of the sample, every n-th of all; the other columns are of the sample",
        ),
        "empty": _column(_NUMBER, "其中为空的户数", "Of these, how many have no value"),
        "zero": _column(_NUMBER, "其中为0的户数", "Of these, how many have 0"),
        "mean": _column("DOUBLE", "平均值", "Mean of the values"),
        "median": _column("DOUBLE", "非0值的中位数", "Median of the values other than 0"),
        "least": _column("DOUBLE", "最小值", "Smallest value"),
        "most": _column("DOUBLE", "最大值", "Largest value"),
    },
    "distributions": {
        "code": _CODE,
        "bin": _column(
            "INTEGER",
            "数量级区间：0 为 0，每个十倍分两段，负值为负，空为无值",
            "Order of magnitude: 0 for 0, two bins for each power of ten, negative for negative"
            " values, empty for none",
        ),
        "customers": _column(
            _NUMBER, "抽样中落入该区间的客户数", "Customers of the sample in this bin"
        ),
    },
    "meta": {
        "key": _column(
            _TEXT,
            "项目：business_date 业务日期，format 格式版本，fingerprint 来源指纹，content 内容校验",
            "business_date, format, fingerprint (of what it was made of) or content (a checksum"
            " over all rows)",
        ),
        "value": _column(_TEXT, "该项目的值", "What it is"),
    },
}
