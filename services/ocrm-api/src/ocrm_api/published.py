"""The published tables of schema `acrm` as SQLAlchemy tables, from the shared contract.

Always read through the parent table and with one business date per request: the viewer's.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON
from sqlalchemy.types import TypeEngine

from crm_shared import published

_TYPES: dict[str, TypeEngine[Any]] = {
    "text": Text(),
    "bigint": BigInteger(),
    "integer": Integer(),
    "boolean": Boolean(),
    "date": Date(),
    "bytea": LargeBinary(),
    "json": JSON(),
    "uuid": Uuid(),
    "text[]": ARRAY(Text()),
}
_metadata = MetaData(schema=published.SCHEMA)


def _type(name: str) -> TypeEngine[Any]:
    return Numeric(asdecimal=True) if name.startswith("numeric") else _TYPES[name]


def _table(name: str) -> Table:
    columns = [Column(column, _type(type_)) for column, type_, _ in published.TABLES[name].columns]
    return Table(name, _metadata, Column("business_date", Date()), *columns)


ORG_UNITS = _table("org_units")
EMPLOYEES = _table("employees")
EMPLOYEE_ROLES = _table("employee_roles")
CUSTOMERS = _table("customers")
COVERAGE = _table("coverage")
COVERAGE_DECISIONS = _table("coverage_decisions")
CUSTOMER_INDICATORS = _table("customer_indicators")
CUSTOMER_BRANCH_INDICATORS = _table("customer_branch_indicators")
CUSTOMER_TAGS = _table("customer_tags")
HOLDINGS = _table("holdings")
BRANCH_INDICATORS = _table("branch_indicators")
DICTIONARY = _table("dictionary")
