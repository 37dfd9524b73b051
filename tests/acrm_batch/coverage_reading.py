"""The coverage rules of docs/rules.md, read aloud: slow, plain, without a look at the models."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from crm_shared.business_calendar import days, is_month_end
from crm_shared.landing import TABLES
from tests.acrm_batch.bank import Row

#: Branch, customer, role, manager, rule.
Covers = tuple[str, int, str, str, str]


@dataclass(frozen=True)
class Rules:
    """The parameters."""

    averaging_days: int = 30
    hysteresis_pct: int = 10
    settled_loan_days: int = 90


@dataclass
class _DepositLead:
    """A customer's lead as the month ends go by, decided on two in a row."""

    lead: str | None = None
    incumbent_before: str | None = None
    above_before: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Day:
    """A business date: what is known by then."""

    on: date
    rows: Mapping[str, list[tuple[date, Row]]]
    rules: Rules

    def state(self, table: str) -> list[Row]:
        """The newest row of every key."""
        newest: dict[Any, tuple[date, Row]] = {}
        for day, row in self.rows.get(table, ()):
            key = tuple(row[column] for column in TABLES[table].key)
            if day <= self.on and (key not in newest or day >= newest[key][0]):
                newest[key] = (day, row)
        return [row for _, row in newest.values()]

    @cached_property
    def gone(self) -> set[str]:
        """Who has left."""
        return {row["employee_id"] for row in self.state("employees")
                if row["left_on"] and row["left_on"] <= self.on}  # fmt: skip

    def is_open(self, row: Row, since: str) -> bool:
        """Whether an account or a card is open."""
        closed = row.get("closed_on")
        return row[since] <= self.on and not (closed and closed <= self.on)

    @cached_property
    def balances(self) -> dict[int, list[tuple[date, Decimal]]]:
        """Of every account, its delivered balances by day."""
        found: dict[int, dict[date, Decimal]] = {}
        for day, row in self.rows.get("balances", ()):
            if day <= self.on:
                found.setdefault(row["account_id"], {})[day] = row["balance"]
        return {account: sorted(by_day.items()) for account, by_day in found.items()}

    def average(self, account: Row) -> Decimal:
        """Sum of the end-of-day balances of the averaging days."""
        total = Decimal(0)
        for day in days(self.on - timedelta(days=self.rules.averaging_days - 1), self.on):
            known = [b for on, b in self.balances.get(account["account_id"], []) if on <= day]
            if known and day >= account["opened_on"]:
                total += known[-1]
        return total

    @cached_property
    def deposits(self) -> dict[int, dict[str, tuple[Decimal, date]]]:
        """Of every customer and branch with an open account: the average, and since when."""
        found: dict[int, dict[str, tuple[Decimal, date]]] = {}
        for account in self.state("deposit_accounts"):
            if self.is_open(account, "opened_on"):
                branches = found.setdefault(account["customer_id"], {})
                total, since = branches.get(account["branch_id"], (Decimal(0), date.max))
                branches[account["branch_id"]] = (
                    total + self.average(account), min(since, account["opened_on"])
                )  # fmt: skip
        return found

    def largest(self, customer: int, branches: Iterable[str]) -> str:
        """Of a customer's branches, the one with the largest average."""
        deposits = self.deposits[customer]
        return min(branches, key=lambda b: (-deposits[b][0], deposits[b][1], b))

    def loans(self, customer: int) -> list[Row]:
        """Running loans, the largest first."""
        found = [row for row in self.state("loans")
                 if row["customer_id"] == customer and row["status"] == "running"]  # fmt: skip
        return sorted(found, key=lambda r: (-r["balance"], r["granted_on"], r["loan_id"]))

    def cards(self, customer: int) -> list[Row]:
        """Open credit cards, the one with the largest limit first."""
        found = [row for row in self.state("credit_cards")
                 if row["customer_id"] == customer and row["card_type"] == "credit"
                 and self.is_open(row, "issued_on")]  # fmt: skip
        return sorted(found, key=lambda r: (
            r["credit_limit"] is None, -(r["credit_limit"] or 0), r["issued_on"], r["card_id"]
        ))  # fmt: skip

    def settled(self, customer: int) -> list[Row]:
        """Settled loans that still lead, the last first."""
        keeps = timedelta(days=self.rules.settled_loan_days)
        found = [row for row in self.state("loans")
                 if row["customer_id"] == customer and row["status"] == "settled"
                 and row["settled_on"] <= self.on < row["settled_on"] + keeps]  # fmt: skip
        return sorted(found, key=lambda r: (-r["settled_on"].toordinal(), r["loan_id"]))

    def manager(self, customer: int, branch: str, named: str | None) -> str:
        """The one who is named, else the one whom the head chose, else nobody."""
        if named and named not in self.gone:
            return named
        for row in self.state("coverage_managers"):
            if (row["customer_id"], row["branch_id"]) == (customer, branch):
                chosen = row["manager_id"]
                if chosen and chosen not in self.gone:
                    return str(chosen)
        return f"V:{branch}"


@dataclass
class Reading:
    """A bank's days, read one after the other."""

    first: date
    rows: Mapping[str, list[tuple[date, Row]]]
    rules: Rules = field(default_factory=Rules)

    def day(self, on: date) -> Day:
        """One of them."""
        return Day(on, self.rows, self.rules)

    def deposit_leads(self, until: date) -> dict[int, str]:
        """The lead of every depositor after the last month end."""
        kept: dict[int, _DepositLead] = {}
        for on in (on for on in days(self.first, until) if is_month_end(on)):
            day = self.day(on)
            for customer in {*kept, *day.deposits}:
                self._month_end(day, customer, kept.setdefault(customer, _DepositLead()))
        return {customer: one.lead for customer, one in kept.items() if one.lead}

    def _month_end(self, day: Day, customer: int, kept: _DepositLead) -> None:
        deposits = day.deposits.get(customer, {})
        incumbent = kept.lead if kept.lead in deposits else None
        above = set()
        if incumbent:
            needed = deposits[incumbent][0] * (100 + self.rules.hysteresis_pct)
            above = {branch for branch, (total, _) in deposits.items()
                     if branch != incumbent and total > 0 and total * 100 >= needed}  # fmt: skip
        twice = above & kept.above_before if kept.incumbent_before == incumbent else set()
        if not deposits:
            kept.lead = None
        elif not incumbent:
            kept.lead = day.largest(customer, deposits)
        elif twice:
            kept.lead = day.largest(customer, twice)
        kept.incumbent_before, kept.above_before = incumbent, above

    def coverage(self, on: date) -> set[Covers]:
        """Who covers whom."""
        day = self.day(on)
        leads = self.deposit_leads(on)
        found: set[Covers] = set()
        for customer in day.state("customers"):
            if customer["status"] == "active":
                found |= _covers(day, customer, leads.get(customer["customer_id"]))
        return found


def _covers(day: Day, customer: Row, month_end_lead: str | None) -> set[Covers]:
    number = customer["customer_id"]
    loans, settled, cards = day.loans(number), day.settled(number), day.cards(number)
    deposits = day.deposits.get(number, {})
    if loans:
        rule, branch, named = "loan", loans[0]["branch_id"], loans[0]["manager_id"]
    elif settled:
        rule, branch, named = "loan_settled", settled[0]["branch_id"], settled[0]["manager_id"]
    elif cards:
        rule, branch, named = "card", cards[0]["branch_id"], cards[0]["manager_id"]
    elif deposits:
        lead = month_end_lead if month_end_lead in deposits else day.largest(number, deposits)
        rule, branch, named = "deposit", lead, None
    else:
        rule, branch, named = "registered", customer["home_branch_id"], None
    others = {*deposits, *(row["branch_id"] for row in loans + cards)}
    for lock in day.state("coverage_locks"):
        if lock["customer_id"] == number and lock["locked_on"] <= day.on < lock["locked_until"]:
            others.add(branch)
            rule, branch, named = "locked", lock["branch_id"], lock["manager_id"]
    manager = day.manager(number, branch, named)
    found = {(branch, number, "lead", manager, rule)}
    for other in others - {branch}:
        there = [row for row in loans if row["branch_id"] == other] or [
            row for row in cards if row["branch_id"] == other
        ]
        named = there[0]["manager_id"] if there else None
        found.add((other, number, "assist", day.manager(number, other, named), rule))
    if rule == "loan":
        others_cards = [row["manager_id"] for row in cards
                        if row["branch_id"] == branch and row["manager_id"]
                        and row["manager_id"] not in {*day.gone, manager}]  # fmt: skip
        if others_cards:
            found.add((branch, number, "assist", others_cards[0], rule))
    return found
