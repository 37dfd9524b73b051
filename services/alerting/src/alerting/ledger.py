"""What was booked on delivered days, as the events that it was: for whoever looks back.

They are read from the landing files by DuckDB. An event gets the id that it had in the stream.
"""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb

from alerting.events import Booking, CardBooking
from crm_shared import ids
from crm_shared.business_calendar import days
from crm_shared.errors import ContractError, CrmError, NotReadyError, UsageError
from crm_shared.landing import day_folder, read_manifest

_CHUNK = 10_000

_BOOKINGS = """
select t.txn_id, t.booked_at, t.customer_id, t.account_id, t.branch_id, t.business_date,
       t.direction, t.amount::varchar, t.currency, t.channel, t.txn_type,
       coalesce(c.customer_type, 'individual'), t.counterparty_bank, t.reverses_txn_id
from read_parquet($rows, hive_partitioning = true) as t
left join (
    select customer_id, arg_max(customer_type, business_date) as customer_type
    from read_parquet($customers, hive_partitioning = true) group by customer_id
) as c using (customer_id)
where ($customer is null or t.customer_id = $customer)
  and (not $reversals or t.reverses_txn_id is not null)
order by t.booked_at, t.txn_id
"""

_CARD_BOOKINGS = """
select t.card_txn_id, t.booked_at, t.customer_id, t.card_id, coalesce(c.branch_id, ''),
       t.business_date, t.direction, t.amount::varchar, t.category
from read_parquet($rows, hive_partitioning = true) as t
left join (
    select card_id, arg_max(branch_id, business_date) as branch_id
    from read_parquet($cards, hive_partitioning = true) group by card_id
) as c using (card_id)
where $customer is null or t.customer_id = $customer
order by t.booked_at, t.card_txn_id
"""

#: By kind of event, the table that says how many there were that day, and the kind and key of
#: their ids. An account's closure is a change of its state; it may be closed again another day.
_KEYS = {
    "transaction.booked": ("transactions", "transaction", "select txn_id from read_parquet($file)"),
    "account.closed": (
        "deposit_accounts",
        "account-closed",
        "select account_id || '|' || strftime(closed_on, '%Y-%m-%d') from read_parquet($file)"
        " where closed_on = $day",
    ),
    "loan.changed": ("loan_events", "loan-event", "select event_no from read_parquet($file)"),
    "card.booked": (
        "card_transactions",
        "card-transaction",
        "select card_txn_id from read_parquet($file)",
    ),
}

#: The kinds of events of which the delivered files hold every one.
BOOKED_KINDS = tuple(_KEYS)


def event_ids(landing: Path, day: date, kind: str) -> Iterator[UUID] | None:
    """The ids of the events of this kind that a delivered day has; None: no file tells them."""
    table, name, statement = _KEYS[kind]
    listed = _delivered(landing, day, table)[0]
    if not listed:
        return None
    values = {"file": listed[0]} | ({"day": day} if "$day" in statement else {})
    return (ids.event_id(name, str(row[0])) for row in rows(statement, values))


_CUSTOMER_TYPE = """
select arg_max(customer_type, business_date)
from read_parquet($customers, hive_partitioning = true) where customer_id = $customer
"""

_WITHOUT_TYPE = """
select count(distinct t.customer_id)
from read_parquet($rows, hive_partitioning = true) as t
anti join read_parquet($customers, hive_partitioning = true) as c
    on c.customer_id = t.customer_id and c.customer_type is not null
"""


def bookings(
    landing: Path,
    first: date,
    last: date,
    customer_id: int | None = None,
    *,
    reversals: bool = False,
) -> Iterator[Booking]:
    """The bookings on deposit accounts of these days, in order of time; of one customer or all,
    `reversals` alone or all."""
    found, customers = files(landing, first, last, "transactions", "customers")
    values = {
        "rows": found, "customer": customer_id, "customers": customers, "reversals": reversals,
    }  # fmt: skip
    for row in rows(_BOOKINGS, values):
        yield Booking(
            event_id=ids.event_id("transaction", str(row[0])),
            occurred_at=row[1].replace(tzinfo=UTC),
            producer="core",
            txn_id=row[0],
            customer_id=row[2],
            account_id=row[3],
            branch_id=row[4],
            business_date=row[5],
            direction=row[6],
            amount_text=row[7],
            currency=row[8],
            channel=row[9],
            txn_type=row[10],
            customer_type=row[11],
            counterparty_bank=row[12],
            reverses_txn_id=row[13],
        )


def card_bookings(
    landing: Path, first: date, last: date, customer_id: int | None = None
) -> Iterator[CardBooking]:
    """The bookings on credit cards of these days, in order of time; of one customer or all."""
    found, cards = files(landing, first, last, "card_transactions", "credit_cards")
    values = {"rows": found, "customer": customer_id, "cards": cards}
    for row in rows(_CARD_BOOKINGS, values):
        yield CardBooking(
            event_id=ids.event_id("card-transaction", str(row[0])),
            occurred_at=row[1].replace(tzinfo=UTC),
            producer="core",
            card_txn_id=row[0],
            customer_id=row[2],
            card_id=row[3],
            branch_id=row[4],
            business_date=row[5],
            direction=row[6],
            amount_text=row[7],
            category=row[8],
        )


def customer_type(landing: Path, first: date, last: date, customer_id: int) -> str | None:
    """As what `bookings` of these days takes the customer; None: as an individual, for want of a
    delivered row that says so, as after a gap in the deliveries."""
    _, customers = files(landing, first, last, "transactions", "customers")
    (row,) = rows(_CUSTOMER_TYPE, {"customers": customers, "customer": customer_id})
    found: str | None = row[0]
    return found


def customers_without_type(landing: Path, first: date, last: date) -> int:
    """How many of the customers that booked on these days `bookings` takes as individuals for want
    of a delivered row that says what they are."""
    found, customers = files(landing, first, last, "transactions", "customers")
    (row,) = rows(_WITHOUT_TYPE, {"rows": found, "customers": customers})
    return int(row[0])


def arrived_until(landing: Path, day: date, latest: date) -> date:
    """The last day up to `latest` before the first one, after `day`, that has come only by half."""
    for one in days(day + timedelta(days=1), latest):
        if day_folder(landing, one).is_dir():
            try:
                read_manifest(landing, one)
            except NotReadyError:
                return one - timedelta(days=1)
    return latest


def rows(statement: str, values: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What DuckDB finds in delivered files; `ContractError` where they cannot be read."""
    with duckdb.connect(config={"temp_directory": tempfile.gettempdir()}) as connection:
        try:
            found = connection.execute(statement, values)
            while some := found.fetchmany(_CHUNK):
                yield from some
        except duckdb.OutOfMemoryException as error:
            raise CrmError(
                f"There is too little room to read the delivered files ({_first_line(error)}); "
                "give the process more memory, or make room in "
                f"{tempfile.gettempdir()}, and ask again."
            ) from None
        except duckdb.Error as error:
            raise ContractError(
                f"The delivered files cannot be read ({_first_line(error)}); "
                "deliver those days again."
            ) from None


def _first_line(error: duckdb.Error) -> str:
    return str(error).strip().splitlines()[0]


def files(
    landing: Path, first: date, last: date, events: str, states: str
) -> tuple[list[str], list[str]]:
    """The files of a table of events, and those of a table of states that say how it stood.

    A range may begin before the first delivery, so that windows can reach back; it must not be
    empty. States are delivered in full at month ends, and only what changed on other days.
    """
    happened = _of_days(landing, first, last, events)
    stood = _of_days(landing, first, last, states)
    if not happened:
        raise UsageError(
            f"{landing} has no {events} from {first} to {last}: name the folder of the delivered "
            "files (--landing or CRM_LANDING_DIR) and days that were delivered."
        )
    day, full = first - timedelta(days=1), False
    while not full and day_folder(landing, day).is_dir():
        older, full = _delivered(landing, day, states)
        stood += older
        day -= timedelta(days=1)
    return happened, stood


def is_delivered(landing: Path, first: date, last: date, table: str) -> bool:
    """Whether any of these days has a file of the table."""
    return bool(_of_days(landing, first, last, table))


def file_of(landing: Path, day: date, table: str) -> list[str]:
    """The file of a table of a day; none where the day, or the table of it, is not there."""
    try:
        return _delivered(landing, day, table)[0]
    except NotReadyError:
        return []


def _of_days(landing: Path, first: date, last: date, table: str) -> list[str]:
    return [
        file
        for day in days(first, last)
        if day_folder(landing, day).is_dir()
        for file in _delivered(landing, day, table)[0]
    ]


def _delivered(landing: Path, day: date, name: str) -> tuple[list[str], bool]:
    """The file of a table that day, if its source has one, and whether it is the full state."""
    listed = read_manifest(landing, day).tables.get(name)
    if listed is None:
        return [], False
    return [str(day_folder(landing, day) / listed.file)], listed.full
