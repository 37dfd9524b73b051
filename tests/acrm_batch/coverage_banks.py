"""Banks for the coverage rules: a dozen customers with everything that the rules look at."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from crm_shared.business_calendar import days, is_month_end
from tests.acrm_batch.bank import Bank

FIRST, LAST = date(2026, 1, 10), date(2026, 5, 5)
MONTH_ENDS = [day for day in days(FIRST, LAST) if is_month_end(day)]

#: Customers from here on have deposits at two or three branches that waver by less than 10 %.
WAVERING = 100

_BRANCHES = st.sampled_from(["A", "B", "C"])
_MANAGERS = st.sampled_from(["E1", "E2", "E3", "E4", "", None])
_DAYS = st.dates(FIRST, LAST)
#: What ends, ends around the last day that is looked at, or on any.
_ENDS = st.sampled_from([LAST - timedelta(days=1), LAST, LAST + timedelta(days=1)]) | _DAYS
_SETTLED = st.sampled_from([LAST - timedelta(days=age) for age in (0, 89, 90, 90, 90)])
#: Before the first delivery, with few values so that ties are met, or while the bank is watched.
_SINCE = st.sampled_from([date(2019, 1, 1), date(2019, 1, 2)]) | _DAYS
#: Either a day or the first of 30 days that end with a month, so that averages are exact.
_CHANGES = st.sampled_from([m - timedelta(days=29) for m in MONTH_ENDS[1:]]) | _DAYS
_LEVELS = st.sampled_from([0, 99, 100, 109, 110, 111, 121, 122, 134])
_STEPS = st.sampled_from([100, 100, 110, 121])
#: The 30 days that end with a month; the first month is watched from FIRST on.
_WINDOWS = [month_end - timedelta(days=29) for month_end in MONTH_ENDS[1:]]
#: By branch, the levels of four months: a tie; a challenger at exactly 110 %; one who falls back;
#: one who was above the former lead, and has to begin again with the new one.
_CONTESTS = [
    [[100, 100, 100, 100], [100, 100, 100, 100]],
    [[100, 100, 100, 100], [0, 110, 110, 110]],
    [[100, 100, 100, 100], [0, 110, 109, 110]],
    [[100, 100, 100, 100], [0, 110, 110, 110], [0, 0, 110, 121]],
]
_CENTS = st.sampled_from(["0.00", "0.00", "0.01", "-0.01"])
_AMOUNTS = st.sampled_from([Decimal(100), Decimal(200), Decimal("200.01")])


@st.composite
def _balances(draw: st.DrawFn) -> Decimal:
    return max(Decimal(0), draw(_LEVELS) + Decimal(draw(_CENTS)))


def _account(draw: st.DrawFn, bank: Bank, number: int, customer: int) -> None:
    opened = draw(_SINCE)
    bank.account(number, customer, draw(_BRANCHES), 0, opened_on=opened)
    first = max(FIRST, opened)
    moves = draw(st.dictionaries(_CHANGES, _balances(), max_size=4))
    moves[first] = draw(_balances())
    for on, balance in sorted(moves.items()):
        if on >= first:
            bank.add("balances", on, account_id=number, balance=balance)
    if draw(st.integers(0, 3)) == 0:
        closed = draw(st.dates(first, LAST))
        opened_row = bank.rows["deposit_accounts"][-1][1]
        bank.add("deposit_accounts", closed, **opened_row | {"closed_on": closed})
        bank.add("balances", closed, account_id=number, balance=Decimal(0))


def _loan(draw: st.DrawFn, bank: Bank, number: int, customer: int) -> None:
    granted = date(2021, 1, draw(st.integers(1, 2)))
    bank.loan(number, customer, draw(_BRANCHES), manager_id=draw(_MANAGERS),
              balance=draw(_AMOUNTS), granted_on=granted)  # fmt: skip
    row = bank.rows["loans"][-1][1]
    end = draw(st.sampled_from(["running", "settled", "settled", "settled", "written_off"]))
    if end == "settled":
        on = draw(_SETTLED)
        bank.add("loans", max(on, FIRST), **row | {"status": end, "settled_on": on,
                                                  "balance": Decimal(0)})  # fmt: skip
    elif end == "written_off":
        bank.add("loans", draw(_DAYS), **row | {"status": end})


def _card(draw: st.DrawFn, bank: Bank, number: int, customer: int) -> None:
    bank.card(number, customer, draw(_BRANCHES), manager_id=draw(_MANAGERS),
              credit_limit=draw(_AMOUNTS | st.none()), issued_on=draw(_SINCE),
              card_type=draw(st.sampled_from(["credit", "credit", "debit"])),
              closed_on=draw(st.none() | _ENDS))  # fmt: skip


def _customer(draw: st.DrawFn, bank: Bank, customer: int) -> None:
    bank.customer(customer, home=draw(_BRANCHES))
    if draw(st.integers(0, 9)) == 0:
        row = bank.rows["customers"][-1][1]
        bank.add("customers", draw(_DAYS), **row | {"status": "invalid"})
    for n in range(draw(st.sampled_from([0, 1, 2, 2, 3, 3, 4]))):
        _account(draw, bank, customer * 10 + n, customer)
    for make in (_loan, _card):
        for n in range(max(0, draw(st.integers(-1, 2)))):
            make(draw, bank, customer * 10 + n, customer)
    if draw(st.integers(0, 2)) == 0:
        bank.lock(customer, draw(_BRANCHES), manager_id=draw(_MANAGERS),
                  locked_on=draw(_SINCE), until=draw(_ENDS))  # fmt: skip
    for branch in draw(st.sets(_BRANCHES)):
        for on in (FIRST, *draw(st.lists(_DAYS, max_size=1))):
            bank.add("coverage_managers", on, customer_id=customer, branch_id=branch,
                     manager_id=draw(_MANAGERS) or "", assigned_on=on)  # fmt: skip


def _wavering(draw: st.DrawFn, bank: Bank, customer: int) -> None:
    bank.customer(customer, home="A")
    for n, branch in enumerate(sorted(draw(st.sets(_BRANCHES, min_size=2)))):
        bank.account(customer * 10 + n, customer, branch)
        for on in (FIRST, *draw(st.lists(_CHANGES, min_size=1, max_size=4, unique=True))):
            bank.add("balances", on, account_id=customer * 10 + n,
                     balance=Decimal(draw(st.integers(960, 1040))))  # fmt: skip


def _contest(draw: st.DrawFn, bank: Bank, customer: int) -> None:
    """Branches whose averages stand to each other as the rules' thresholds do."""
    bank.customer(customer, home="A")
    scale = Decimal(draw(st.sampled_from([1, 1000])))
    levels = draw(st.sampled_from(_CONTESTS) | st.lists(
        st.lists(_STEPS, min_size=4, max_size=4), min_size=2, max_size=3))  # fmt: skip
    order = draw(st.permutations(["A", "B", "C"]))
    for n, (branch, of_branch) in enumerate(zip(order, levels, strict=False)):
        number = customer * 10 + n
        bank.account(number, customer, branch, opened_on=date(2019, 1, draw(st.integers(1, 2))))
        for on, level in zip((FIRST, *_WINDOWS), of_branch, strict=True):
            bank.add("balances", on, account_id=number, balance=level * scale)


@st.composite
def banks(draw: st.DrawFn, landing: Path) -> Bank:
    """A bank of 15 customers and three branches, from FIRST to LAST."""
    bank = Bank(landing, FIRST)
    for table in ("loans", "credit_cards", "coverage_locks", "coverage_managers", "balances",
                  "deposit_accounts"):  # fmt: skip
        bank.rows[table] = []
    for employee in ("E1", "E2", "E3"):
        bank.employee(employee, left_on=draw(st.none() | _ENDS))
    for customer in range(1, 8):
        _customer(draw, bank, customer)
    for customer in range(8, 14):
        _contest(draw, bank, customer)
    for customer in range(WAVERING, WAVERING + 2):
        _wavering(draw, bank, customer)
    for rows in bank.rows.values():
        rows.sort(key=lambda dated: dated[0])
    return bank


@st.composite
def corrections(draw: st.DrawFn, bank: Bank) -> tuple[date, dict[str, Any], dict[str, Any]]:
    """A balance that was delivered, and what it should have been: its day, and both rows."""
    on, row = draw(st.sampled_from(bank.rows["balances"]))
    return on, row, row | {"balance": row["balance"] + draw(st.sampled_from([1, 50, 5000]))}
