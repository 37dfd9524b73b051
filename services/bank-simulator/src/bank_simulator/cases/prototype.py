"""A planted case: one customer with all he has, and with all that must be said about him.

The answers (`coverage`, `key`, `due`, `movements`, `over_contact` …) are complete: what a case does
not list must not be found. Only of `tags`, `tier` and `lifecycle` a case says what it is about, and
nothing of the others. Branches are slots 0 to 3 of one legal entity, in the order of their
ids; managers are tokens: m0 and m1 work at the branch, `left`, `left_today` and `leaves_tomorrow`
have or have not left it, V is its virtual manager.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Literal

from bank_simulator.parameters import Parameters

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
    channel: Literal["counter", "atm", "mobile"] = "counter"


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
    product: str = "consumer"


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a card."""

    due_on: date
    amount: str
    paid_on: date | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """A card; only `credit` cards are credit business. Activated three days after its issue."""

    limit: str
    branch: int = 0
    manager: str | None = "m0"
    issued_on: date | None = None
    closed_on: date | None = None
    card_type: Literal["credit", "debit"] = "credit"
    statements: tuple[Statement, ...] = ()
    activated_on: date | Literal["never"] | None = None
    overdue_periods: int = 0


@dataclass(frozen=True, slots=True)
class Holding:
    """A wealth product."""

    amount: str
    matures_on: date | None
    ended_on: date | None = None
    branch: int = 0
    bought_on: date | None = None


@dataclass(frozen=True, slots=True)
class Merchant:
    """A merchant whose turnover is booked to the first account."""

    signed_on: date
    ended_on: date | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """A digital channel."""

    signed_on: date
    last_used_on: date | None = None
    ended_on: date | None = None
    channel: Literal["mobile", "sms"] = "mobile"


@dataclass(frozen=True, slots=True)
class Family:
    """A relation of a household: of another case to this one, or (`reverse`) of this to it."""

    case: str
    reverse: bool = False
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Payroll:
    """A salary from a business customer, paid into the first account."""

    until: date | None = None


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
    campaign: int | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """An expected row of coverage."""

    role: Literal["lead", "assist"]
    branch: int
    manager: str
    rule: str


def led_by(rule: str) -> tuple[Cover, ...]:
    """Branch 0 and its manager m0 lead by that rule, and nobody assists."""
    return (Cover("lead", 0, "m0", rule),)


@dataclass(frozen=True, slots=True)
class Due:
    """An expected reminder about the `index`-th loan, card, account or holding, or him.

    `window` is where it is not `due:{due_on}`.
    """

    rule_code: str
    due_on: date
    amount: str | None = None
    branch: int | None = None
    index: int = 0
    window: str | None = None


@dataclass(frozen=True, slots=True)
class LoanStep:
    """What the stream tells of the case's loan at an instant of the bank's clock."""

    at: datetime
    change: Literal["repaid", "arrears", "overdue", "class_changed"]
    amount: str | None
    days_overdue: int
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """A booking on the case's card: spending, or a repayment where the amount is negative."""

    at: datetime
    amount: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A queue ticket of branch 0 takes on a state."""

    at: datetime
    state: Literal["drawn", "called", "served", "abandoned"]
    known: bool = True


@dataclass(frozen=True, slots=True)
class Movement:
    """A reminder that must (or must not) be raised when `business_date` is replayed.

    `ref` names a move of the case; `account`, `loan` and `spend` are indexes, `branch` a slot;
    `window` is that of the reminder where nothing else says it.
    """

    business_date: date
    rule_code: str
    expected: bool
    ref: str | None = None
    account: int | None = None
    loan: int | None = None
    spend: int | None = None
    branch: int | None = None
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One planted customer; `managers` says whom the heads gave him to, branch by branch.

    `changed` is a day and the column of his data that changes on it.

    `tags` says whether a tag holds; a number says that it does, and how strongly.
    """

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
    birth_date: date | None = None
    customer_since: date | None = None
    occupation: str | None = None
    industry: str | None = None
    merchants: tuple[Merchant, ...] = ()
    channels: tuple[Channel, ...] = ()
    family: Family | None = None
    payroll: Payroll | None = None
    managers: dict[int, str] = field(default_factory=lambda: {0: "m0"})
    coverage: tuple[Cover, ...] = led_by("deposit")
    key: Literal["deposit", "loan"] | None = None
    due: tuple[Due, ...] = ()
    movements: tuple[Movement, ...] = ()
    loan_steps: tuple[LoanStep, ...] = ()
    spending: tuple[Spend, ...] = ()
    changed: tuple[date, str] | None = None
    tickets: tuple[Ticket, ...] = ()
    over_contact: int | None = None
    over_campaigns: tuple[int, ...] = ()
    tags: dict[str, bool | int] = field(default_factory=dict)
    tier: str | None = None
    lifecycle: str | None = None


@dataclass(frozen=True, slots=True)
class Dates:
    """The period of a generated bank, and the days its cases are about."""

    first: date
    last: date
    as_of: date
    month_ends: tuple[date, ...]
    parameters: Parameters = field(default_factory=Parameters)

    def number(self, code: str) -> int:
        """The value of a parameter that counts."""
        return self.parameters.number(code)

    def yuan(self, code: str, more: str = "0", times: str = "1") -> str:
        """An amount: a parameter's value `times` a factor, and `more`, to the cent."""
        return f"{self.parameters.money(code) * Decimal(times) + Decimal(more):.2f}"

    def strength(self, amount: str) -> int:
        """How strong a tag of potential customers of that amount is, by docs/rules/potential.md."""
        share = Decimal(amount) / self.parameters.money("potential.reference_amount")
        return 50 + min(50, int(50 * share))

    def ago(self, days: int) -> date:
        """The day that many days before as_of; negative: after it."""
        return self.as_of - timedelta(days=days)
