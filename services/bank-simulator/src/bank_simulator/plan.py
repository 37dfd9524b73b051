"""What bank to build: how many customers, from when until when, from which seed."""

from dataclasses import dataclass, field
from datetime import date, timedelta

from bank_simulator.cases.prototype import Dates
from bank_simulator.parameters import Parameters
from crm_shared.business_calendar import month_ends
from crm_shared.errors import UsageError

FEWEST, MOST = 800, 20_000_000
LONGEST_YEARS = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """A bank to be generated. Two equal plans give the same bytes."""

    customers: int
    first: date
    last: date
    seed: int = 42
    parameters: Parameters = field(default_factory=Parameters)

    def check(self) -> None:
        """Raise `UsageError` with one sentence where such a bank cannot be built."""
        if not FEWEST <= self.customers <= MOST:
            raise UsageError(
                f"--customers {self.customers} is out of range: "
                f"ask for {FEWEST} to {MOST:,} customers."
            )
        if self.last <= self.first:
            raise UsageError(
                f"--from {self.first} is not before --to {self.last}: exchange the two dates."
            )
        if len(month_ends(self.first, self.as_of)) < 3 or self.span < 90:
            raise UsageError(
                f"{self.first} to {self.last} is too short: coverage moves after two month ends, "
                "so give a period with three month ends and at least 91 days."
            )
        if self.span > LONGEST_YEARS * 366:
            raise UsageError(
                f"{self.first} to {self.last} is too long: give at most {LONGEST_YEARS} years."
            )
        if not 0 <= self.seed < 2**31:
            raise UsageError(f"--seed {self.seed} is out of range: give 0 to {2**31 - 1}.")

    @property
    def as_of(self) -> date:
        """The day whose batch answers are planted: the one before the last."""
        return self.last - timedelta(days=1)

    @property
    def span(self) -> int:
        """Days from the first to as_of."""
        return (self.as_of - self.first).days

    @property
    def entities(self) -> int:
        """Legal entities, growing with the bank."""
        return max(4, min(80, self.customers // 2500))

    @property
    def copies(self) -> int:
        """How often each case is planted."""
        return max(1, min(20, self.customers // 5000))

    @property
    def months(self) -> list[date]:
        """The first day of every month that the period touches."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        start = self.first.year * 12 + self.first.month - 1
        return [date((start + m) // 12, (start + m) % 12 + 1, 1) for m in range(count)]

    @property
    def dates(self) -> Dates:
        """The days that cases are about."""
        ends = tuple(month_ends(self.first, self.as_of))
        return Dates(self.first, self.last, self.as_of, ends, self.parameters)
