"""What acrm-batch has published, as far as alerting reads it, in the real tables."""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from uuid import uuid4

import psycopg

from crm_shared import published
from tests.databases import PostgresDatabase

#: The tiers of a bank that are tags in its dictionary.
TIERS = ("gold", "profit", "general_grow")


def publish(
    database: PostgresDatabase,
    day: date,
    branches: Mapping[str, str],
    tiers: Mapping[int, str],
    managers: Mapping[int, str] = MappingProxyType({}),
) -> None:
    """Publish on a date the legal entity of branches, the tier and the lead manager of customers.

    Every customer has a branch that assists, whose manager is Z9.
    """
    with psycopg.connect(database.ocrm_owner) as connection:
        connection.execute(
            "create table if not exists ocrm.scopes (scope_key text, branch_ids text[])"
        )
    with psycopg.connect(database.acrm_owner) as connection:
        for statement in published.ddl():
            connection.execute(statement.encode())
        for table in ("org_units", "customer_tags", "coverage", "dictionary"):
            connection.execute(
                f"create table acrm.{table}_{day:%Y%m%d} partition of acrm.{table}"
                f" for values in ('{day}')".encode()
            )
        units = [(one, "legal_entity", one) for one in sorted(set(branches.values()))]
        units += [(branch, "branch", entity) for branch, entity in branches.items()]
        cursor = connection.cursor()
        cursor.executemany(
            "insert into acrm.org_units (business_date, org_id, org_type, legal_entity_id,"
            " name_zh, name_en) values (%s, %s, %s, %s, '机构', 'Unit')",
            [(day, *one) for one in units],
        )
        cursor.executemany(
            "insert into acrm.customer_tags (business_date, customer_id, tags, lead_branch_id)"
            " values (%s, %s, %s, 'B01')",
            [
                (day, customer, [f"VALUE/TIER/{tier.upper()}", "VALUE/AUM/MASS"])
                for customer, tier in tiers.items()
            ],
        )
        cursor.executemany(
            "insert into acrm.dictionary (business_date, code, kind, grain, name_zh, name_en,"
            " formula_zh, formula_en, expression, additive, owner, model, inputs, version)"
            " values (%s, %s, 'tag', 'customer', '标签', 'Tag', '-', '-', '-', false,"
            " 'retail-data', 'tag_customers', '{}', 1)",
            [(day, f"VALUE/TIER/{tier.upper()}") for tier in TIERS],
        )
        cursor.executemany(
            "insert into acrm.coverage (business_date, branch_id, customer_id, role, manager_id,"
            " lead_branch_id, deposit_balance, loan_balance) values (%s, %s, %s, %s, %s, 'B01',"
            " 0, 0)",
            [
                (day, branch, customer, role, name)
                for customer, manager in managers.items()
                for branch, role, name in (("B01", "lead", manager), ("B09", "assist", "Z9"))
            ],
        )
        connection.execute(
            "insert into acrm.publications (business_date, run_id, row_counts)"
            " values (%s, %s, '{}')",
            (day, uuid4()),
        )
