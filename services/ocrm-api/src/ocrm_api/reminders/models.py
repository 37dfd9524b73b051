"""The reminder and the rules of its life: new → acknowledged → done, or withdrawn."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ocrm_api.reminders.errors import ReminderNotOpen
from ocrm_api.scope import Scope

#: The states in which somebody still has to do something.
OPEN = ("new", "acknowledged")


class _Base(DeclarativeBase):
    metadata = MetaData(schema="ocrm")
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        Decimal: Numeric(18, 2),
        dict[str, Any]: JSONB,
        datetime: DateTime(timezone=True),
    }


class Reminder(_Base):
    """A fact that a customer manager should know and do something about."""

    __tablename__ = "reminders"

    reminder_id: Mapped[UUID] = mapped_column(primary_key=True)
    rule_code: Mapped[str]
    rule_version: Mapped[int]
    customer_id: Mapped[int] = mapped_column(BigInteger)
    branch_id: Mapped[str]
    lead_branch_id: Mapped[str]
    event_branch_id: Mapped[str | None]
    owner_id: Mapped[str | None]
    subject: Mapped[str]
    reminder_window: Mapped[str]
    business_date: Mapped[date]
    due_on: Mapped[date | None]
    amount: Mapped[Decimal | None]
    currency: Mapped[str]
    facts: Mapped[dict[str, Any]]
    priority: Mapped[int]
    late: Mapped[bool]
    status: Mapped[str]
    outcome_code: Mapped[str | None]
    note: Mapped[str | None]
    raised_at: Mapped[datetime]
    received_at: Mapped[datetime]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str | None]
    version: Mapped[int]

    @property
    def etag(self) -> str:
        """The strong entity tag of this version."""
        return f'"{self.version}"'

    def is_for(self, employee_id: str, own: Scope, headed: Scope | None) -> bool:
        """Whether it is this employee's to handle: as its owner, as head of the lead branch, or,
        where a branch's virtual manager owns it, as somebody who serves that branch."""
        if self.owner_id == employee_id:
            return True
        if headed is not None and headed.leads(self.lead_branch_id):
            return True
        kind, _, branch_id = (self.owner_id or "").partition(":")
        return kind == "V" and branch_id in own.branch_ids

    def acknowledge(self, by: str, at: datetime) -> None:
        """Somebody has taken it up; only a new one can be."""
        if self.status != "new":
            raise ReminderNotOpen(status=self.status)
        self.status, self.acknowledged_by, self.acknowledged_at = "acknowledged", by, at
        self.version += 1

    def finish(self, by: str, at: datetime, outcome_code: str, note: str | None) -> None:
        """It is done, with an outcome by which the rule is measured; only an open one can be."""
        if self.status not in OPEN:
            raise ReminderNotOpen(status=self.status)
        self.status, self.done_by, self.done_at = "done", by, at
        self.outcome_code, self.note = outcome_code, note
        self.version += 1


class ReminderEvent(_Base):
    """Something happened to a reminder; `sequence` grows in the order of the commits."""

    __tablename__ = "reminder_events"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    reminder_id: Mapped[UUID]
    kind: Mapped[str]
    branch_id: Mapped[str]
    lead_branch_id: Mapped[str]
    owner_id: Mapped[str | None]
    occurred_at: Mapped[datetime]
