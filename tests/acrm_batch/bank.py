"""A tiny bank whose landing days a test writes row by row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crm_shared.business_calendar import days, is_month_end
from crm_shared.clock import BANK_ZONE
from crm_shared.landing import TABLES, Manifest, Table, TableFile, day_folder, sha256_of

Row = dict[str, Any]

_ARROW: dict[str, pa.DataType] = {
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "VARCHAR": pa.string(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
    "DECIMAL(18,2)": pa.decimal128(18, 2),
    "DECIMAL(9,6)": pa.decimal128(9, 6),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The Parquet schema that the contract asks for."""
    return pa.schema([(column.name, _ARROW[column.type]) for column in table.columns])


def write_day(
    landing: Path,
    day: date,
    tables: Mapping[str, Sequence[Row]],
    *,
    full: bool = False,
    opening: bool = False,
) -> None:
    """Deliver a day: files, then the manifest."""
    folder = day_folder(landing, day)
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for name, rows in tables.items():
        path = folder / f"{name}.parquet"
        pq.write_table(pa.Table.from_pylist(list(rows), arrow_schema(TABLES[name])), path)
        files[name] = TableFile(
            file=path.name,
            rows=len(rows),
            sha256=sha256_of(path),
            full=full and TABLES[name].kind == "state",
        )
    Manifest(business_date=day, source="test", opening=opening, tables=files).write(landing)


def seal(landing: Path, day: date, table: str, **changes: Any) -> None:
    """Write the manifest of a day again, so that it speaks of a table's file as it is now."""
    path = day_folder(landing, day) / "_manifest.json"
    manifest = Manifest.model_validate_json(path.read_text())
    file = day_folder(landing, day) / f"{table}.parquet"
    entry = manifest.tables[table].model_copy(update={"sha256": sha256_of(file), **changes})
    manifest.model_copy(update={"tables": manifest.tables | {table: entry}}).write(landing)


def noon(day: date) -> datetime:
    """Noon at the bank, in UTC without a zone, as files have it."""
    return datetime.combine(day, time(12), BANK_ZONE).astimezone(UTC).replace(tzinfo=None)


@dataclass
class Bank:
    """Rows by table and day. Movements keep balances, ledger and general ledger in step."""

    landing: Path
    first: date
    rows: dict[str, list[tuple[date, Row]]] = field(default_factory=dict)
    balances: dict[int, Decimal] = field(default_factory=dict)
    numbers: int = 1000

    def __post_init__(self) -> None:
        self.add("org_units", org_id="U", org_type="union", name_zh="联社", name_en="Union")
        for entity in ("L1", "L2"):
            self.add("org_units", org_id=entity, parent_id="U", org_type="legal_entity",
                     name_zh=entity, name_en=entity)  # fmt: skip
        for branch, entity in (("A", "L1"), ("B", "L1"), ("C", "L2")):
            self.add("org_units", org_id=branch, parent_id=entity, org_type="branch",
                     name_zh=branch, name_en=branch)  # fmt: skip

    def add(self, table: str, on: date | None = None, **row: Any) -> None:
        """A row of a table, new or changed on a day, by default the first."""
        self.rows.setdefault(table, []).append((on or self.first, row))

    def newest(self, table: str, **key: Any) -> Row:
        """The row of a key that was delivered last."""
        return next(row for _, row in reversed(self.rows[table]) if key.items() <= row.items())

    def change(self, table: str, on: date, key: Mapping[str, Any], **columns: Any) -> None:
        """Deliver a row again with other columns."""
        self.add(table, on, **self.newest(table, **key) | columns)

    def customer(self, customer_id: int, home: str = "A", **row: Any) -> int:
        """An active individual."""
        self.add("customers", **{
            "customer_id": customer_id, "customer_type": "individual", "status": "active",
            "home_branch_id": home, "customer_since": date(2020, 1, 1), **row,
        })  # fmt: skip
        return customer_id

    def account(
        self, account_id: int, customer_id: int, branch: str, balance: str | int = 0,
        opened_on: date = date(2020, 1, 1), **row: Any,
    ) -> int:  # fmt: skip
        """An account with an opening balance, or opened later with none."""
        on = max(self.first, opened_on)
        self.add("deposit_accounts", on, **{
            "account_id": account_id, "customer_id": customer_id, "branch_id": branch,
            "product": "demand", "currency": "CNY", "opened_on": opened_on, **row,
        })  # fmt: skip
        self.balances[account_id] = Decimal(balance)
        self.add("balances", on, account_id=account_id, balance=Decimal(balance))
        return account_id

    def move(self, account_id: int, on: date, amount: str | int, **row: Any) -> None:
        """A credit (positive) or debit of an account; movements come in order of their days."""
        value = Decimal(amount)
        account = self.newest("deposit_accounts", account_id=account_id)
        self.balances[account_id] += value
        self.numbers += 1
        self.add("balances", on, account_id=account_id, balance=self.balances[account_id])
        self.add("transactions", on, **{
            "txn_id": self.numbers, "account_id": account_id,
            "customer_id": account["customer_id"], "branch_id": account["branch_id"],
            "booked_at": noon(on), "direction": "credit" if value > 0 else "debit",
            "amount": abs(value), "currency": "CNY", "channel": "counter", "txn_type": "other",
            **row,
        })  # fmt: skip
        self.add("gl_totals", on, gl_code=f"9{self.numbers}", branch_id=account["branch_id"],
                 debit=max(value, Decimal(0)), credit=max(-value, Decimal(0)))  # fmt: skip

    def loan(self, loan_id: int, customer_id: int, branch: str, **row: Any) -> int:
        """A running loan of 1,000.00."""
        self.add("loans", **{
            "loan_id": loan_id, "customer_id": customer_id, "branch_id": branch,
            "product": "loan", "currency": "CNY", "credit_line": Decimal(1000),
            "amount": Decimal(1000), "balance": Decimal(1000), "granted_on": date(2021, 1, 1),
            "matures_on": date(2035, 1, 1), "five_tier": "normal", "status": "running", **row,
        })  # fmt: skip
        return loan_id

    def card(self, card_id: int, customer_id: int, branch: str, **row: Any) -> int:
        """An open credit card."""
        self.add("credit_cards", **{
            "card_id": card_id, "customer_id": customer_id, "branch_id": branch,
            "card_type": "credit", "product": "card", "credit_limit": Decimal(1000),
            "issued_on": date(2021, 1, 1), **row,
        })  # fmt: skip
        return card_id

    def lock(self, customer_id: int, branch: str, until: date, **row: Any) -> None:
        """A manual assignment that holds until a date."""
        self.add("coverage_locks", **{
            "customer_id": customer_id, "branch_id": branch, "locked_on": date(2020, 1, 1),
            "locked_until": until, **row,
        })  # fmt: skip

    def manager(self, customer_id: int, branch: str, manager_id: str) -> None:
        """A manager whom the branch's head gave the customer to."""
        self.add("coverage_managers", customer_id=customer_id, branch_id=branch,
                 manager_id=manager_id, assigned_on=date(2020, 1, 1))  # fmt: skip

    def employee(self, employee_id: str, left_on: date | None = None) -> None:
        """Somebody who works, or worked, at branch A."""
        self.add("employees", employee_id=employee_id, name="王小明", home_org_id="A",
                 left_on=left_on)  # fmt: skip

    def deliver(self, until: date, *, since: date | None = None) -> None:
        """Write the days: full on the first and at month ends, else what is new."""
        for day in days(since or self.first, until):
            full = day == self.first or is_month_end(day)
            tables = dict(self.tables(day, full=full))
            write_day(self.landing, day, tables, full=full)

    def tables(self, day: date, *, full: bool) -> Iterator[tuple[str, list[Row]]]:
        """What a day delivers: every table the bank has, those without news empty."""
        for name, dated in self.rows.items():
            table = TABLES[name]
            if full and table.kind == "state":
                latest = {
                    tuple(row[column] for column in table.key): row
                    for on, row in dated
                    if on <= day
                }
                rows = list(latest.values())
            else:
                on_day = [row for on, row in dated if on == day]
                rows = list({tuple(row[c] for c in table.key): row for row in on_day}.values())
            yield name, rows
