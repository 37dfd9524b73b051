"""Compares what the services made with what is true, by SQL that shares nothing with them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import psycopg


@dataclass(frozen=True, slots=True)
class Tally:
    """How many were planted, raised, missing (planted, not raised) and false (the reverse)."""

    planted: int
    raised: int
    missing: int
    false: int

    @classmethod
    def of(cls, planted: Collection[object], raised: Collection[object]) -> "Tally":
        """Compare two collections; something raised twice counts as false once more."""
        truth, found = set(planted), set(raised)
        return cls(
            planted=len(truth),
            raised=len(raised),
            missing=len(truth - found),
            false=len(found - truth) + len(raised) - len(found),
        )

    @property
    def right(self) -> bool:
        """Nothing missing, nothing false."""
        return self.missing == 0 and self.false == 0


Row = tuple[object, ...]


def published(connection: psycopg.Connection, sql: str, day: date) -> list[Row]:
    """Rows of a query over published tables; `%(day)s` is the business date."""
    return connection.execute(sql, {"day": day}).fetchall()


def reminders_by_rule(connection: psycopg.Connection) -> dict[str, list[Row]]:
    """Every reminder in the OCRM, as (subject, window), by rule."""
    found: dict[str, list[Row]] = {}
    for rule, subject, window in connection.execute(
        "select rule_code, subject, reminder_window from ocrm.reminders where status <> 'withdrawn'"
    ):
        found.setdefault(rule, []).append((subject, window))
    return found


def tally_rules(planted: dict[str, list[Row]], raised: dict[str, list[Row]]) -> dict[str, Tally]:
    """One tally per rule that was planted or raised."""
    return {
        rule: Tally.of(planted.get(rule, []), raised.get(rule, []))
        for rule in sorted({*planted, *raised})
    }


#: Reminders whose answers speak of the customers that another answer lists, and of nobody else.
SCOPES = {"R04.TIER_UP": "tiers", "R04.TIER_DOWN": "tiers", "R04.DORMANT": "lifecycle"}

_REMINDERS = """
select rule_code, customer_id, subject, "window"
from read_parquet('$answers/due_reminders.parquet')
union
select rule_code, customer_id, subject, "window"
from read_parquet('$answers/movements.parquet')
where expected and business_date = date '{replayed}'
"""


@dataclass(frozen=True, slots=True)
class PlantedTruth:
    """The answers a generated bank was built from."""

    folder: Path

    def _rows(self, sql: str) -> list[Row]:
        with duckdb.connect() as engine:
            return engine.execute(sql.replace("$answers", str(self.folder))).fetchall()

    def reminders(self, replayed: date) -> dict[str, list[Row]]:
        """(subject, window) that must be raised, by rule: the night's and the replayed day's."""
        planted: dict[str, list[Row]] = {}
        for rule, subject, window in self._rows(
            f'select rule_code, subject, "window" from ({_REMINDERS.format(replayed=replayed)})'
        ):
            planted.setdefault(str(rule), []).append((subject, window))
        return planted

    def spoken_of(self, raised: dict[str, list[Row]]) -> dict[str, list[Row]]:
        """Of what was raised, that of which the answers are complete."""
        listed = {
            name: {f"customer:{one[0]}" for one in self._rows(
                f"select customer_id from read_parquet('$answers/{name}.parquet')"
            )}
            for name in sorted(set(SCOPES.values()))
        }  # fmt: skip
        return {
            rule: [one for one in found if rule not in SCOPES or one[0] in listed[SCOPES[rule]]]
            for rule, found in raised.items()
        }

    def reminders_of(self, manager: str, replayed: date) -> int:
        """How many of them are about customers whose lead manager this is, without those of which
        the answers are not complete."""
        codes = ", ".join(f"'{code}'" for code in SCOPES)
        rows = self._rows(
            f"select count(*) from ({_REMINDERS.format(replayed=replayed)}) as raised"
            " join read_parquet('$answers/coverage.parquet') as covered using (customer_id)"
            f" where covered.role = 'lead' and covered.manager_id = '{manager}'"
            f" and raised.rule_code not in ({codes})"
        )
        return int(str(rows[0][0]))

    def coverage(self) -> list[Row]:
        """(customer, branch, role, manager, rule) of every covered customer."""
        return self._rows(
            "select customer_id, branch_id, role, manager_id, rule"
            " from read_parquet('$answers/coverage.parquet')"
        )

    def key_customers(self) -> list[Row]:
        """(customer,) of every key customer."""
        return self._rows("select customer_id from read_parquet('$answers/key_customers.parquet')")

    def over_contact(self) -> list[Row]:
        """(customer, contacts) of every customer above the cap."""
        return self._rows(
            "select customer_id, contacts from read_parquet('$answers/over_contact.parquet')"
        )

    def parameters(self) -> dict[str, str]:
        """The values of the parameters the truth was planted for."""
        values: dict[str, str] = json.loads((self.folder / "parameters.json").read_text())
        return values


COVERAGE = (
    "select c.customer_id, c.branch_id, c.role, c.manager_id,"
    " case c.role when 'lead' then d.rule else null end"
    " from acrm.coverage c join acrm.coverage_decisions d using (business_date, customer_id)"
    " where c.business_date = %(day)s"
)
KEY_CUSTOMERS = (
    "select customer_id from acrm.coverage"
    " where business_date = %(day)s and role = 'lead' and is_key_customer"
)
OVER_CONTACT = "select customer_id, contacts from acrm.over_contact where business_date = %(day)s"


def compare_coverage(truth: list[Row], published_rows: list[Row]) -> dict[str, int]:
    """How many customers have other rows than the truth; the rule counts on lead rows."""

    def by_customer(rows: list[Row]) -> dict[object, set[Row]]:
        grouped: dict[object, set[Row]] = {}
        for customer, branch, role, manager, rule in rows:
            grouped.setdefault(customer, set()).add(
                (branch, role, manager, rule if role == "lead" else None)
            )
        return grouped

    expected, found = by_customer(truth), by_customer(published_rows)
    wrong = sum(expected.get(key) != found.get(key) for key in {*expected, *found})
    return {"customers": len(expected), "wrong": wrong}


def ledger_totals(landing: Path, day: date) -> tuple[int, Decimal]:
    """Open accounts and their total on a day: first delivered balance plus every booking since.

    Computed from the landing files alone, one way only: opening + signed sum.
    """
    sql = Path(__file__).with_name("ledger_totals.sql").read_text(encoding="utf-8")
    with duckdb.connect() as engine:
        row = engine.execute(sql, {"landing": str(landing), "day": day}).fetchone()
    if row is None:
        return 0, Decimal(0)
    return int(row[0]), Decimal(row[1])
