"""What delivered states show to have happened: customers' data that changed, statements not paid.

No file tells these events themselves. They are found as the core bank finds them, by comparing how
rows stood from one delivery to the next, so there is at most one of each customer, or card, a day.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from alerting import ledger
from alerting.events import DataChange, UnpaidStatement
from crm_shared import ids
from crm_shared.business_calendar import days

#: Columns of customers whose change the core tells.
_FIELDS = (
    "name", "document_type", "document_no", "phone", "occupation", "education", "marital_status",
    "address", "industry", "legal_representative", "risk_profile",
)  # fmt: skip
_CHANGED = ", ".join(
    f"case when a.{name} is distinct from b.{name} then '{name}' end" for name in _FIELDS
)

_DATA_CHANGES = f"""
with known as (
    select * from read_parquet($states, hive_partitioning = true)
    where ($customer is null or customer_id = $customer) and customer_id in (
        select customer_id from read_parquet($states, hive_partitioning = true)
        where business_date = $day)
), before as (
    select * from known where business_date < $day
    qualify row_number() over (partition by customer_id order by business_date desc) = 1
), compared as (
    select a.customer_id, a.home_branch_id,
           list_filter([{_CHANGED}], lambda field: field is not null) as fields
    from known a join before b using (customer_id) where a.business_date = $day
)
select customer_id, home_branch_id, fields from compared where len(fields) > 0 order by 1
"""

_UNPAID = """
with statement as (
    select * from read_parquet($states, hive_partitioning = true) where due_on = $due
    qualify row_number() over (
        partition by card_id, statement_on order by business_date desc) = 1
), card as (
    select * from read_parquet($cards, hive_partitioning = true)
    where ($customer is null or customer_id = $customer)
      and card_id in (select card_id from statement)
    qualify row_number() over (partition by card_id order by business_date desc) = 1
)
select c.customer_id, c.card_id, c.branch_id, sum(s.amount)::decimal(18, 2)::varchar
from statement s join card c using (card_id)
where s.paid_on is null and c.card_type = 'credit'
  and (c.closed_on is null or c.closed_on > $day)
group by all having sum(s.amount) > 0 order by 1, 2
"""


def data_changes(
    landing: Path, first: date, last: date, customer_id: int | None = None
) -> Iterator[DataChange]:
    """Customers whose data stood otherwise than before, told at two in the morning (UTC) of each of
    these days; one customer or all. Nothing of whom no earlier day was delivered."""
    for day in _delivered(landing, first, last, "customers"):
        values = {"states": states(landing, day, "customers"), "customer": customer_id}
        for row in ledger.rows(_DATA_CHANGES, values | {"day": day}):
            yield DataChange(
                event_id=ids.event_id("customer-changed", f"{row[0]}|{day}"),
                occurred_at=datetime.combine(day, time(2), UTC),
                producer="core",
                customer_id=row[0],
                branch_id=row[1],
                business_date=day,
                fields=tuple(row[2]),
            )


def unpaid_statements(
    landing: Path, first: date, last: date, customer_id: int | None = None
) -> Iterator[UnpaidStatement]:
    """Credit cards whose statements were due the day before each of these days and stand unpaid,
    told at midnight (UTC); of one customer or all."""
    for day in _delivered(landing, first, last, "card_statements"):
        due_on = day - timedelta(days=1)
        values: dict[str, Any] = {
            "states": states(landing, day, "card_statements"),
            "cards": states(landing, day, "credit_cards"),
            "customer": customer_id, "day": day, "due": due_on,
        }  # fmt: skip
        for row in ledger.rows(_UNPAID, values):
            yield UnpaidStatement(
                event_id=ids.event_id("card-overdue", f"{row[1]}|{due_on}"),
                occurred_at=datetime.combine(day, time(), UTC),
                producer="core",
                customer_id=row[0],
                card_id=row[1],
                branch_id=row[2],
                business_date=day,
                due_on=due_on,
                amount_text=row[3],
            )


def _delivered(landing: Path, first: date, last: date, table: str) -> list[date]:
    """The days that have the table; where none has, all, of which `states` says so."""
    several = list(days(first, last))
    return [one for one in several if ledger.is_delivered(landing, one, one, table)] or several


def states(landing: Path, day: date, table: str) -> list[str]:
    """The day's file of a table of states, and those before it back to a full one."""
    return ledger.files(landing, day, day, table, table)[1]
