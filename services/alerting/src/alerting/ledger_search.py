"""On which delivered day, and of which customer, an event is: its id is computed from its row."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from alerting import ledger, ledger_states
from alerting.events import (
    Booking,
    CardBooking,
    Closure,
    DataChange,
    Event,
    LoanChange,
    UnpaidStatement,
)
from crm_shared import ids

_STATEMENTS = "card_statements"

#: By kind of event its table, the name and key of its ids, the customer, which rows are events, and
#: of which day. What is overdue is found on the day after it was due, whenever it was delivered.
_WHERE: dict[type[Event], tuple[str, str, str, str, str, str]] = {
    Booking: ("transactions", "transaction", "txn_id", "customer_id", "true", "business_date"),
    Closure: ("deposit_accounts", "account-closed",
              "account_id || '|' || strftime(business_date, '%Y-%m-%d')", "customer_id",
              "closed_on = business_date", "business_date"),
    LoanChange: ("loan_events", "loan-event", "event_no", "customer_id", "true", "business_date"),
    CardBooking: ("card_transactions", "card-transaction", "card_txn_id", "customer_id", "true",
                  "business_date"),
    UnpaidStatement: (_STATEMENTS, "card-overdue",
                      "card_id || '|' || strftime(due_on, '%Y-%m-%d')", "null::bigint", "true",
                      "due_on + 1"),
    DataChange: ("customers", "customer-changed",
                 "customer_id || '|' || strftime(business_date, '%Y-%m-%d')", "customer_id",
                 "true", "business_date"),
}  # fmt: skip

#: uuid5 is SHA-1 but for the bits that say so.
_FIND = """
select its_day, customer
from (select {day} as its_day, {customer} as customer,
             sha1($space || encode($prefix || {key})) as digest
      from read_parquet($files, hive_partitioning = true) where {are_events})
where digest[1:12] = $id[1:12] and digest[14:16] = $id[14:16] and digest[18:20] = $id[18:20]
  and digest[21:32] = $id[21:32] and ($day is null or its_day = $day)
limit 1
"""


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """Where the files have an event; the customer is None where its row does not name him."""

    kind: type[Event]
    day: date
    customer_id: int | None


def find(landing: Path, event_id: UUID, day: date | None) -> FoundEvent | None:
    """Look through the day, or all days that are there; None: no file tells the event."""
    for kind, (table, name, key, customer, are_events, its_day) in _WHERE.items():
        if not (files := _files(landing, table, day)):
            continue
        statement = _FIND.format(day=its_day, customer=customer, key=key, are_events=are_events)
        values = {
            "files": files, "space": ids.NAMESPACE.bytes, "prefix": f"event|{name}|",
            "id": event_id.hex, "day": day,
        }  # fmt: skip
        for row in ledger.rows(statement, values):
            return FoundEvent(kind, row[0], row[1])
    return None


def _files(landing: Path, table: str, day: date | None) -> list[str]:
    """The files in which an event of the day can be, or of any; statements back to a full one."""
    if day is None:
        return [file for one in _delivered(landing) for file in ledger.file_of(landing, one, table)]
    here = ledger.file_of(landing, day, table)
    return ledger_states.states(landing, day, table) if here and table == _STATEMENTS else here


def _delivered(landing: Path) -> list[date]:
    """The days of which something is there, complete or not, the newest first."""
    names = (one.name.partition("=")[2] for one in landing.glob("business_date=*"))
    return sorted((date.fromisoformat(one) for one in names), reverse=True)
