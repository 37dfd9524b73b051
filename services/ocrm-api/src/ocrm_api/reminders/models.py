"""The reminder and the steps that people take with it, by the table of `transitions`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, DateTime, MetaData, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ocrm_api.reminders.errors import ReminderNotOpen
from ocrm_api.reminders.outcomes import OutcomeCode
from ocrm_api.reminders.transitions import ByPeople, Status, target
from ocrm_api.scope import Scope


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
    status: Mapped[Status] = mapped_column(Text)
    revision: Mapped[int]
    words: Mapped[dict[str, Any] | None]
    outcome_code: Mapped[str | None]
    note: Mapped[str | None]
    raised_at: Mapped[datetime]
    received_at: Mapped[datetime]
    seen_at: Mapped[datetime | None]
    seen_by: Mapped[str | None]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    snoozed_at: Mapped[datetime | None]
    snoozed_by: Mapped[str | None]
    snoozed_until_on: Mapped[date | None]
    snoozed_until_event: Mapped[str | None]
    done_at: Mapped[datetime | None]
    done_by: Mapped[str | None]
    waiting_since: Mapped[datetime]
    escalated_at: Mapped[datetime | None]
    escalated_to: Mapped[str | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str | None]
    expired_at: Mapped[datetime | None]
    version: Mapped[int]

    @property
    def etag(self) -> str:
        """The strong entity tag of this version."""
        return f'"{self.version}"'

    def is_for(self, employee_id: str, own: Scope, headed: Scope | None) -> bool:
        """Whether it is this employee's to handle: as its owner, as the head it went to or of the
        lead branch, or, where a branch's virtual manager owns it, as one who serves that branch."""
        if employee_id in (self.owner_id, self.escalated_to):
            return True
        if headed is not None and headed.leads(self.lead_branch_id):
            return True
        kind, _, branch_id = (self.owner_id or "").partition(":")
        return kind == "V" and branch_id in own.branch_ids

    def see(self, by: str, at: datetime) -> None:
        """Somebody has looked at it."""
        self._take("see")
        self.seen_by, self.seen_at = by, at

    def acknowledge(self, by: str, at: datetime) -> None:
        """Somebody has taken it up."""
        self._take("acknowledge")
        self.acknowledged_by, self.acknowledged_at = by, at
        self._looked(by, at)

    def snooze(self, by: str, at: datetime, until_on: date, until_event: str | None) -> None:
        """Put off until the morning of a day, or until an event if that comes first."""
        self._take("snooze")
        self.snoozed_by, self.snoozed_at = by, at
        self._looked(by, at)
        self.snoozed_until_on, self.snoozed_until_event = until_on, until_event

    def wake(self, at: datetime) -> None:
        """Bring it back before its day."""
        self._take("wake")
        self.snoozed_until_on = self.snoozed_until_event = None
        self.waiting_since, self.escalated_at, self.escalated_to = at, None, None

    def finish(self, by: str, at: datetime, outcome_code: OutcomeCode, note: str | None) -> None:
        """It is done, with an outcome by which the rule is measured."""
        self._take("done")
        self.done_by, self.done_at = by, at
        self._looked(by, at)
        self.outcome_code, self.note = outcome_code, note

    def _looked(self, by: str, at: datetime) -> None:
        """Who does something with what nobody has looked at has looked at it."""
        if self.seen_at is None:
            self.seen_by, self.seen_at = by, at

    def _take(self, step: ByPeople) -> None:
        after = target(step, self.status, was_acknowledged=self.acknowledged_at is not None)
        if after is None:
            raise ReminderNotOpen(status=self.status, step=step)
        self.status = after
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
    head_id: Mapped[str | None]
    occurred_at: Mapped[datetime]
