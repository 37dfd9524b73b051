"""Loans that changed and accounts that were closed on delivered days, as the events that they were.

They are read from the landing files by DuckDB, as `alerting.ledger` reads bookings. The files do
not say which event corrected another.
"""

from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path

from alerting import ledger
from alerting.events import Closure, LoanChange
from crm_shared import ids

_LOAN_CHANGES = """
select event_no, occurred_at, customer_id, loan_id, branch_id, business_date, change,
       amount::varchar, days_overdue, five_tier_before, five_tier_after
from read_parquet($rows, hive_partitioning = true)
where $customer is null or customer_id = $customer
order by occurred_at, event_no
"""

#: Closed a second after it was paid out, or in the evening (UTC) where nothing was left.
_CLOSURES = """
select a.account_id,
       coalesce(p.booked_at + interval 1 second, a.business_date + interval 9 hour) as occurred_at,
       a.customer_id, a.branch_id, a.business_date, coalesce(c.customer_type, 'individual'),
       a.product, coalesce(p.amount, 0)::decimal(18, 2)::varchar, a.currency
from read_parquet($rows, hive_partitioning = true) as a
left join (
    select customer_id, arg_max(customer_type, business_date) as customer_type
    from read_parquet($customers, hive_partitioning = true) group by customer_id
) as c using (customer_id)
left join (
    select account_id, business_date, sum(amount) as amount, max(booked_at) as booked_at
    from read_parquet($bookings, hive_partitioning = true)
    where txn_type = 'deposit_close' and direction = 'debit' group by account_id, business_date
) as p using (account_id, business_date)
where a.closed_on = a.business_date and ($customer is null or a.customer_id = $customer)
order by occurred_at, a.account_id
"""


def loan_changes(
    landing: Path, first: date, last: date, customer_id: int | None = None
) -> Iterator[LoanChange]:
    """What happened to loans on these days, in order of time; to those of one customer or all."""
    rows, _ = ledger.files(landing, first, last, "loan_events", "loans")
    for row in ledger.rows(_LOAN_CHANGES, {"rows": rows, "customer": customer_id}):
        yield LoanChange(
            event_id=ids.event_id("loan-event", str(row[0])),
            occurred_at=row[1].replace(tzinfo=UTC),
            producer="core",
            customer_id=row[2],
            loan_id=row[3],
            branch_id=row[4],
            business_date=row[5],
            change=row[6],
            amount_text=row[7],
            days_overdue=row[8] or 0,
            five_tier_before=row[9],
            five_tier_after=row[10],
        )


def closures(
    landing: Path, first: date, last: date, customer_id: int | None = None
) -> Iterator[Closure]:
    """The deposit accounts closed on these days, in order of time, with what was paid out; those of
    one customer or all."""
    rows, customers = ledger.files(landing, first, last, "deposit_accounts", "customers")
    bookings, _ = ledger.files(landing, first, last, "transactions", "customers")
    values = {
        "rows": rows, "customers": customers, "bookings": bookings, "customer": customer_id,
    }  # fmt: skip
    for row in ledger.rows(_CLOSURES, values):
        yield Closure(
            event_id=ids.event_id("account-closed", f"{row[0]}|{row[4]}"),
            occurred_at=row[1].replace(tzinfo=UTC),
            producer="core",
            account_id=row[0],
            customer_id=row[2],
            branch_id=row[3],
            business_date=row[4],
            customer_type=row[5],
            product=row[6],
            closing_text=row[7],
            currency=row[8],
        )
