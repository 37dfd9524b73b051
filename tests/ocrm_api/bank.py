"""A hand-made bank, small enough to know by heart, published into schema `acrm`.

Union U; legal entity L1 with the branches B1 and B2, L2 with B3. Customers:

| id | leads | assists | deposits by branch |
|---|---|---|---|
| 1 | B1 (M1) | B2 (M2) | B1 700, B2 300 |
| 2 | B2 (M2) | B1 (M1) | B1 50, B2 450 |
| 3 | B3 (M3) | B1 (M1), B2 (M2) | B1 10, B2 20, B3 970 |
| 4, 5, 6 | B1 (M1) | | B1 200 each |
| 7 | B1 (M1) | B1 (N1, its card) | B1 900 |
| 8 | B2 (virtual) | | B2 80 |
| 9 | B3 (M3) | | B3 5000 |
| 10 | B1 (M1), a business | | B1 0, loan 10000 |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
from psycopg.types.json import Jsonb

from crm_shared import published
from crm_shared.personal_data import Protector, mask

DATA_KEY = "dGhlIGtleSBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVzISE="
DAY = date(2026, 6, 30)
PREVIOUS = date(2026, 6, 29)

ROLES = {
    "M1": [("relationship_manager", "B1")],
    "N1": [("relationship_manager", "B1")],
    "M2": [("relationship_manager", "B2")],
    "M3": [("relationship_manager", "B3")],
    "H1": [("branch_head", "B1")],
    "H2": [("branch_head", "B2")],
    "H3": [("branch_head", "B3")],
    "HL": [("branch_head", "L1")],
    "LO": [("lobby_manager", "B1")],
    "TE": [("teller", "B1")],
    "CM": [("campaign_maker", "B1")],
    "CH": [("checker", "B1")],
    "DA": [("data_analyst", "U")],
    "OP": [("operations", "U")],
    "AU": [("auditor", "U")],
    "SA": [("system_administrator", "U")],
    "MX": [("relationship_manager", "B2"), ("data_analyst", "U")],
    "NO": [],
}

UNITS = [
    ("U", None, "union", "省联社", "Union", None, None),
    ("L1", "U", "legal_entity", "甲行", "Bank One", "north", "L1"),
    ("L2", "U", "legal_entity", "乙行", "Bank Two", "south", "L2"),
    ("B1", "L1", "branch", "城关", "Chengguan", "north", "L1"),
    ("B2", "L1", "branch", "江东", "Jiangdong", "north", "L1"),
    ("B3", "L2", "branch", "河西", "Hexi", "south", "L2"),
]

#: customer → (lead branch, lead manager, {branch: (deposits, loans)}, {assist branch: manager})
CUSTOMERS: dict[int, tuple[str, str, dict[str, tuple[int, int]], dict[str, str]]] = {
    1: ("B1", "M1", {"B1": (700, 0), "B2": (300, 5)}, {"B2": "M2"}),
    2: ("B2", "M2", {"B1": (50, 0), "B2": (450, 0)}, {"B1": "M1"}),
    3: ("B3", "M3", {"B1": (10, 1), "B2": (20, 2), "B3": (970, 97)}, {"B1": "M1", "B2": "M2"}),
    4: ("B1", "M1", {"B1": (200, 0)}, {}),
    5: ("B1", "M1", {"B1": (200, 0)}, {}),
    6: ("B1", "M1", {"B1": (200, 0)}, {}),
    7: ("B1", "M1", {"B1": (900, 0)}, {"B1": "N1"}),
    8: ("B2", "V:B2", {"B2": (80, 0)}, {}),
    9: ("B3", "M3", {"B3": (5000, 0)}, {}),
    10: ("B1", "M1", {"B1": (0, 10000)}, {}),
}
NAMES = {1: "王丽", 2: "王强", 3: "李娜", 4: "张伟", 5: "刘洋", 6: "陈静", 7: "杨帆", 8: "赵敏",
         9: "黄磊", 10: "城关茶厂"}  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """Rows of one published table, without the business date."""

    table: str
    rows: list[dict[str, Any]]


def phone(customer_id: int) -> str:
    """An impossible phone number of a customer."""
    return f"1990000{customer_id:04d}"


def document(customer_id: int) -> str:
    """An impossible document number of a customer."""
    return f"35000019900101{customer_id:04d}"


def union_deposits(customer_id: int) -> int:
    """The customer's deposits in the whole union."""
    return sum(deposits for deposits, _ in CUSTOMERS[customer_id][2].values())


def _customer(customer_id: int, protector: Protector) -> dict[str, Any]:
    lead, _, business, assists = CUSTOMERS[customer_id]
    return {
        "customer_id": customer_id,
        "customer_type": "business" if customer_id == 10 else "individual",
        "name": NAMES[customer_id],
        "document_type": "id_card",
        "document_masked": mask(document(customer_id)),
        "document_encrypted": protector.encrypt(document(customer_id)),
        "document_index": protector.blind_index(document(customer_id)),
        "phone_masked": mask(phone(customer_id)),
        "phone_encrypted": protector.encrypt(phone(customer_id)),
        "phone_index": protector.blind_index(phone(customer_id)),
        "birth_date": date(1990, 1, customer_id),
        "address": f"{customer_id} Jiefang Road",
        "status": "active",
        "home_branch_id": lead,
        "customer_since": date(2020, 1, 1),
        "covering_branch_ids": sorted({lead, *business, *assists}),
    }


def _coverage(customer_id: int) -> Iterable[dict[str, Any]]:
    lead, manager, business, assists = CUSTOMERS[customer_id]
    row: dict[str, Any] = {
        "customer_id": customer_id,
        "lead_branch_id": lead,
    }
    yield row | {
        "branch_id": lead,
        "role": "lead",
        "manager_id": manager,
        "rule": "loan" if customer_id == 7 else "deposit",
        "is_key_customer": customer_id == 9,
        "deposit_balance": union_deposits(customer_id),
        "loan_balance": sum(loans for _, loans in business.values()),
    }
    for branch, assistant in assists.items():
        deposits, loans = business[branch]
        yield row | {
            "branch_id": branch,
            "role": "assist",
            "manager_id": assistant,
            "deposit_balance": deposits,
            "loan_balance": loans,
        }


def _indicators(amount: int) -> Jsonb:
    return Jsonb({"DEP_BAL": amount})


def _per_customer(customer_id: int) -> list[Rows]:
    lead, manager, business, _ = CUSTOMERS[customer_id]
    led = {"customer_id": customer_id, "lead_branch_id": lead}
    holdings = [
        led
        | {
            "branch_id": branch,
            "kind": "deposit",
            "holding_id": customer_id * 100 + position,
            "product": "demand",
            "currency": "CNY",
            "balance": deposits,
            "opened_on": date(2020, 1, 1),
            "status": "open",
            "details": Jsonb({"rate": 1.25}),
        }
        for position, (branch, (deposits, _)) in enumerate(business.items())
    ]
    decision = led | {
        "rule": "deposit",
        "rule_version": 1,
        "lead_manager_id": manager,
        "moved": False,
        "inputs": Jsonb({"averages": {branch: money for branch, (money, _) in business.items()}}),
    }
    own = [
        {"customer_id": customer_id, "branch_id": branch, "indicators": _indicators(deposits)}
        for branch, (deposits, _) in business.items()
    ]
    return [
        Rows("coverage", list(_coverage(customer_id))),
        Rows("coverage_decisions", [decision]),
        Rows("customer_indicators",
             [led | {"indicators": _indicators(union_deposits(customer_id))}]),
        Rows("customer_branch_indicators", own),
        Rows("customer_tags", [led | {"tags": ["VALUE/AUM/MASS"]}]),
        Rows("holdings", holdings),
    ]  # fmt: skip


def _everything() -> list[Rows]:
    protector = Protector(DATA_KEY)
    unit_columns = published.TABLES["org_units"].column_names
    entry = {
        "code": "DEP_BAL", "kind": "indicator", "class": "I01", "grain": "customer",
        "name_zh": "存款余额", "name_en": "Deposit balance", "formula_zh": "余额之和。",
        "formula_en": "Sum of balances.", "expression": "sum(balance)",
        "unit": "CNY", "additive": True, "owner": "retail-data", "model": "ind_deposits",
        "inputs": ["balances"], "version": 1,
    }  # fmt: skip
    return [
        Rows("org_units", [dict(zip(unit_columns, unit, strict=True)) for unit in UNITS]),
        Rows("employees", [
            {"employee_id": one, "name": f"Employee {one}", "home_org_id": "B1"} for one in ROLES
        ]),
        Rows("employee_roles", [
            {"employee_id": one, "org_id": org, "role": role}
            for one, held in ROLES.items()
            for role, org in held
        ]),
        Rows("customers", [_customer(one, protector) for one in CUSTOMERS]),
        *(rows for one in CUSTOMERS for rows in _per_customer(one)),
        Rows("branch_indicators", [
            {"org_id": unit[0], "indicators": _indicators(1)} for unit in UNITS
        ]),
        Rows("dictionary", [entry, entry | {"code": "VALUE/AUM/MASS", "kind": "tag"}]),
    ]  # fmt: skip


def publish(
    url: str, day: date = DAY, changes: dict[str, list[dict[str, Any]]] | None = None
) -> None:
    """Publish the bank on a day as the role acrm_owner; `changes` replaces tables."""
    with psycopg.connect(url) as connection:
        for statement in published.ddl():
            connection.execute(statement.encode())
        for table in published.TABLES:
            connection.execute(
                f"create table if not exists acrm.{table}_{day:%Y%m%d}"
                f" partition of acrm.{table} for values in ('{day}')".encode()
            )
        for rows in _everything():
            if rows.table not in (changes or {}):
                _insert(connection, rows, day)
        for table, replaced in (changes or {}).items():
            _insert(connection, Rows(table, replaced), day)
        connection.execute(
            "insert into acrm.publications (business_date, run_id, row_counts)"
            " values (%s, %s, '{}')",
            (day, uuid4()),
        )


def _insert(connection: psycopg.Connection, rows: Rows, day: date) -> None:
    for row in rows.rows:
        names = ", ".join(f'"{name}"' for name in ("business_date", *row))
        places = ", ".join(["%s"] * (len(row) + 1))
        statement = f"insert into acrm.{rows.table} ({names}) values ({places})"
        connection.execute(statement.encode(), (day, *row.values()))
