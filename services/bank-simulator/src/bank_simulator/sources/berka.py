"""The Berka data set (PKDD'99): a real Czech bank, as days of the landing contract.

`import_berka` writes every calendar day of the ledger and one last day of state alone:

* **Days of the ledger**, from the first date in the files until `until` or the ledger's last
  date. Every table the source knows is in every manifest: bookings and general ledger of the day,
  balances of the accounts that moved, and the state rows that are new. On the first day and at
  month ends, state and balances are full.
* **The state day**, the month end of the last date in any file (1998-12-31 for the real files):
  all state in full, among it every loan, card and account opened after the ledger ends. Its
  manifest has no transactions, general ledger or balances, because the source has none; nor are
  there days between. Deposits must not be read on it: run acrm-batch for deposits on a day of
  the ledger (1993-12-31, 1994-03-30), and for all loans, cards and orders on the state day.

What is to be known about it:

* A row of state appears on the day its account is opened, its loan granted, its card issued.
  Standing orders and users of an account bear no date and come with the account.
* The source tells the **status of a loan only as it was when the data ended**; the loan has it
  from its first delivery. A is settled and normal, B (over, not paid back) written off, C running
  and normal, D running and in debt. The class of B and D is a parameter. `credit_line` is the
  amount granted; what is still owed is unknown and stays empty.
* Ledger `trans_prefix.asc` is cut in the middle of its last day, 1994-03-31. That day is
  delivered by default, because the totals of the whole file need it; `until` 1994-03-30 leaves it
  out. A folder with the whole `trans.asc` is read instead.
* Balances are sums from an opening balance of nothing. The file's own `balance` is only compared:
  on every whole day one of an account's running balances is within 1.00 of ours.
* Only the day of a booking is known: `booked_at` is noon UTC. Counter entries of the general
  ledger are derived from the bookings, one code per type of booking.
* Cards are payment cards (`debit`), no credit business.
* A name, phone, document or employee does not exist and is not invented; where the contract wants
  a Chinese name of a branch or region, it has the name in the source. With `demo_staff` three
  employees are added, called DEMO, because without one nobody could log in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from bank_simulator.sources.berka_days import check_out, deliveries, write_days
from bank_simulator.sources.berka_files import PREFIX, ledger_file, read_files
from crm_shared.business_calendar import days, month_ends
from crm_shared.errors import ContractError, UsageError
from crm_shared.landing.tables import FIVE_TIERS

#: What the source knows: tables of every day, and those of the days of the ledger.
_STATE = (
    "org_units", "customers", "deposit_accounts", "account_users", "standing_orders", "loans",
    "credit_cards",
)  # fmt: skip
_LEDGER = ("transactions", "gl_totals", "balances")
_STAFF = ("employees", "employee_roles")


@dataclass(frozen=True, slots=True)
class Period:
    """Which days are delivered. On `cut_day` the prefix of the ledger breaks off."""

    first_day: date
    ledger_until: date
    state_day: date
    cut_day: date | None

    @property
    def full_days(self) -> set[date]:
        """The days on which state is delivered in full."""
        return {self.first_day, *month_ends(self.first_day, self.ledger_until), self.state_day}


@dataclass(frozen=True, slots=True)
class BerkaImport:
    """What was imported. Amounts are in CZK and of the days of the ledger."""

    period: Period
    days: int
    rows: dict[str, int]  # per landing table; only balances count again when full
    credits: Decimal
    debits: Decimal
    deposits: Decimal  # of all accounts, at the end of `period.ledger_until`
    loans: Decimal  # granted, over the whole time of the data
    standing_orders: Decimal
    account_days: int  # compared with the file's running balances, on whole days
    largest_gap: Decimal  # between our end-of-day balance and the file's nearest of the day


def _quiet(_: str) -> None:
    """Show no progress."""


def import_berka(
    source: Path,
    out: Path,
    *,
    until: date | None = None,
    in_debt_tier: str = "substandard",
    demo_staff: bool = False,
    progress: Callable[[str], None] = _quiet,
) -> BerkaImport:
    """Turn the Berka files in `source` into landing days in `out`, which must be new or empty.

    No day is written before every file was read and checked. Raises `UsageError` for folders and
    arguments, `ContractError` for what is wrong inside a file.
    """
    if in_debt_tier not in FIVE_TIERS:
        raise UsageError(f"{in_debt_tier!r} is not one of the classes {', '.join(FIVE_TIERS)}.")
    with duckdb.connect() as db:
        progress(f"reading the Berka files in {source}")
        read_files(db, source)
        period = _period(db, source, until)
        check_out(out)
        _map(db, period, in_debt_tier)
        known = (*_STATE, *_STAFF) if demo_staff else _STATE
        state, ledger = deliveries(db, known), deliveries(db, _LEDGER)
        calendar = dict.fromkeys(days(period.first_day, period.ledger_until), state + ledger)
        calendar.setdefault(period.state_day, state)
        progress(f"writing {len(calendar)} business dates to {out}")
        write_days(out, calendar, period.full_days, progress)
        rows = {delivery.table.name: len(delivery.delivered_on) for delivery in state + ledger}
        summary = _summary(db, period, days_written=len(calendar), rows=rows)
    if period.cut_day is not None:
        progress(
            f"{PREFIX} breaks off in the middle of {period.cut_day}, so that day is not whole; "
            "choose a last day before it for whole days alone"
        )
    progress(
        f"imported {rows['transactions']:,} bookings until {period.ledger_until}, deposits of "
        f"{summary.deposits:,} CZK, and {rows['loans']:,} loans over {summary.loans:,} CZK"
    )
    return summary


def _period(db: duckdb.DuckDBPyConnection, source: Path, until: date | None) -> Period:
    """The days to deliver; `UsageError` where `until` is not a day of the ledger."""
    path = ledger_file(source)
    (last_booking,) = _row(db, "SELECT max(date) FROM trans")
    if last_booking is None:
        raise ContractError(
            f"{path.name} has no bookings; take the file from the PKDD'99 data set again."
        )
    first_day, state_day = _row(
        db,
        "SELECT min(day), last_day(max(day)) FROM (SELECT date AS day FROM account"
        " UNION ALL SELECT date FROM trans UNION ALL SELECT date FROM loan"
        " UNION ALL SELECT issued FROM card)",
    )
    ledger_until = until or last_booking
    if not first_day <= ledger_until <= last_booking:
        raise UsageError(
            f"The ledger in {path.name} has no {ledger_until}; choose a last day from {first_day} "
            f"to {last_booking}."
        )
    cut = path.name == PREFIX and ledger_until == last_booking
    return Period(first_day, ledger_until, state_day, last_booking if cut else None)


def _map(db: duckdb.DuckDBPyConnection, period: Period, in_debt_tier: str) -> None:
    """Build a view `landing_<table>` for every table that the source knows."""
    db.execute("SET VARIABLE first_day = ?::DATE", [period.first_day])
    db.execute("SET VARIABLE ledger_until = ?::DATE", [period.ledger_until])
    db.execute("SET VARIABLE in_debt_tier = ?::VARCHAR", [in_debt_tier])
    db.execute(
        "CREATE TABLE full_day AS SELECT unnest(?::DATE[]) AS day", [sorted(period.full_days)]
    )
    for script in ("berka_state.sql", "berka_ledger.sql", "berka_staff.sql"):
        db.execute(files("bank_simulator.sources").joinpath(script).read_text("utf-8"))


def _summary(
    db: duckdb.DuckDBPyConnection, period: Period, *, days_written: int, rows: dict[str, int]
) -> BerkaImport:
    zero = "0::DECIMAL(18,2)"
    credits, debits, deposits = _row(
        db,
        f"SELECT coalesce(sum(amount) FILTER (direction = 'credit'), {zero}),"
        f" coalesce(sum(amount) FILTER (direction = 'debit'), {zero}),"
        f" coalesce(sum(signed), {zero}) FROM booking",
    )
    account_days, largest_gap = _row(
        db,
        f"SELECT count(gap), coalesce(max(gap), {zero}) FROM balance_gap"
        " WHERE booked_on IS DISTINCT FROM ?",
        period.cut_day,
    )
    (loans,) = _row(db, f"SELECT coalesce(sum(amount), {zero}) FROM loan")
    (standing_orders,) = _row(db, f"SELECT coalesce(sum(amount), {zero}) FROM standing")
    return BerkaImport(
        period, days_written, rows, credits, debits, deposits, loans, standing_orders,
        account_days, largest_gap,
    )  # fmt: skip


def _row(db: duckdb.DuckDBPyConnection, query: str, *values: object) -> tuple[Any, ...]:
    row = db.execute(query, values).fetchone()
    assert row is not None, query
    return row
