"""A planted case: one customer with all he has, and with all that must be said about him.

The answers (`coverage`, `key`, `due`, `movements`, `over_contact`) are complete: what a case does
not list must not be found. Branches are slots 0 to 3 of one legal entity, in the order of their
ids; managers are tokens: m0 and m1 work at the branch, `left`, `left_today` and `leaves_tomorrow`
have or have not left it, V is its virtual manager.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

CustomerType = Literal["individual", "business", "group"]


def yuan(text: str) -> int:
    """Cents of an amount written as 1,234.50."""
    return int(Decimal(text.replace(",", "")) * 100)


@dataclass(frozen=True, slots=True)
class Move:
    """A planted booking: signed `amount` at `at` (bank time); `ref` names it within its case."""

    at: datetime
    amount: str
    txn_type: str = "other"
    bank: str | None = None
    ref: str | None = None
    reverses: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A deposit account; `opening` is its balance on the eve of the first day."""

    opening: str = "0"
    branch: int = 0
    product: Literal["demand", "time", "certificate"] = "demand"
    opened_on: date | None = None
    matures_on: date | None = None
    closed_on: date | None = None
    moves: tuple[Move, ...] = ()


@dataclass(frozen=True, slots=True)
class Instalment:
    """An instalment of a loan."""

    due_on: date
    principal: str
    interest: str = "0"
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan as it stands from the first day on; what is not repaid is due at maturity."""

    balance: str
    amount: str | None = None
    branch: int = 0
    manager: str | None = "m0"
    granted_on: date | None = None
    matures_on: date | None = None
    settled_on: date | None = None
    status: Literal["running", "settled", "written_off"] = "running"
    instalments: tuple[Instalment, ...] = ()
    arrears: str | None = None
    days_overdue: int = 0
    last_overdue_on: date | None = None
    five_tier: str = "normal"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a card."""

    due_on: date
    amount: str
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A card; only `credit` cards are credit business."""

    limit: str
    branch: int = 0
    manager: str | None = "m0"
    issued_on: date | None = None
    closed_on: date | None = None
    card_type: Literal["credit", "debit"] = "credit"
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """A wealth product."""

    amount: str
    matures_on: date | None
    ended_on: date | None = None
    branch: int = 0


@dataclass(frozen=True, slots=True)
class Lock:
    """A manual assignment from the former system."""

    branch: int
    manager: str | None
    locked_on: date
    locked_until: date


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact at an instant of the bank's clock."""

    at: datetime
    contact_class: Literal["marketing", "service", "care"] = "marketing"
    channel: Literal["sms", "call", "visit"] = "sms"
    result: Literal["reached", "not_reached"] | None = "reached"


@dataclass(frozen=True, slots=True)
class Cover:
    """An expected row of coverage."""

    role: Literal["lead", "assist"]
    branch: int
    manager: str
    rule: str


@dataclass(frozen=True, slots=True)
class Due:
    """An expected due reminder about the `index`-th loan, card, account or holding, or him."""

    rule_code: str
    due_on: date
    amount: str | None = None
    branch: int | None = None
    index: int = 0


@dataclass(frozen=True, slots=True)
class Movement:
    """A reminder that must (or must not) be raised when `business_date` is replayed.

    `ref` names a move of the case, `account` the index of an account.
    """

    business_date: date
    rule_code: str
    expected: bool
    ref: str | None = None
    account: int | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One planted customer; `managers` says whom the heads gave him to, branch by branch."""

    name: str
    customer_type: CustomerType = "individual"
    status: Literal["active", "invalid"] = "active"
    home: int = 0
    accounts: tuple[Account, ...] = ()
    loans: tuple[Loan, ...] = ()
    cards: tuple[Card, ...] = ()
    holdings: tuple[Holding, ...] = ()
    lock: Lock | None = None
    contacts: tuple[Contact, ...] = ()
    document_expires_on: date | None = None
    risk_profile_expires_on: date | None = None
    managers: dict[int, str] = field(default_factory=lambda: {0: "m0"})
    coverage: tuple[Cover, ...] = (Cover("lead", 0, "m0", "deposit"),)
    key: Literal["deposit", "loan"] | None = None
    due: tuple[Due, ...] = ()
    movements: tuple[Movement, ...] = ()
    over_contact: int | None = None


@dataclass(frozen=True, slots=True)
class Dates:
    """The period of a generated bank, and the days its cases are about."""

    first: date
    last: date
    as_of: date
    month_ends: tuple[date, ...]
