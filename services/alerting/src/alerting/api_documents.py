"""What the operations API answers, with examples."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class PartitionStatus(BaseModel):
    """How far a partition is."""

    topic: str
    partition: int
    epoch: int = Field(description="Raised by every new owner; 0 before the first one.")
    owner: str | None = Field(
        description="Host and process number of the member that took it over last; null before the"
        " first one."
    )
    next_offset: int
    end_offset: int
    lag_records: int
    behind_seconds: float | None = Field(
        description="How old the newest event worked on is while anything is left to do, else 0;"
        " null before the first event."
    )
    watermark: datetime | None = Field(description="Newest event time worked on.")
    events_per_second: float
    processed: int
    updated_at: datetime | None
    canary_seconds: float | None = Field(
        description="How long ago the newest canary that was worked on had been sent; null before"
        " the first one."
    )
    dead_in_a_row: int = Field(
        description="How many of the last records, all dead letters, nobody has settled or"
        " requeued."
    )
    held: bool = Field(
        description="Whether records wait because `dead_in_a_row` had reached"
        " ALERTING_DEAD_LETTER_LIMIT and the next record would be one more; they go on once enough"
        " of these letters are settled or requeued."
    )
    held_at: datetime | None = Field(
        default=None, description="Since when; null where it is not held."
    )


class Status(BaseModel):
    """Where the work of all members stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "topics": ["crm.transactions.v1"],
                    "partitions": [
                        {
                            "topic": "crm.transactions.v1",
                            "partition": 0,
                            "epoch": 3,
                            "owner": "alerting-1.bank.example:4711",
                            "next_offset": 81_200,
                            "end_offset": 81_290,
                            "lag_records": 90,
                            "behind_seconds": 0.4,
                            "watermark": "2026-07-01T02:15:07.120000Z",
                            "events_per_second": 312.0,
                            "processed": 81_200,
                            "updated_at": "2026-07-01T02:15:07.310000Z",
                            "canary_seconds": 12.5,
                            "dead_in_a_row": 0,
                            "held": False,
                        }
                    ],
                    "lag_records": 90,
                    "events_per_second": 312.0,
                    "processed": 81_200,
                    "storms": [],
                    "outbox_backlog": 2,
                    "outbox_oldest_seconds": 0.3,
                    "dead_letters": 1,
                    "reminders_kept": 641,
                    "transfers_kept": 9_120,
                    "estimated": [],
                    "at_least": [],
                }
            ]
        }
    )

    topics: list[str]
    partitions: list[PartitionStatus]
    lag_records: int
    events_per_second: float
    processed: int
    storms: list[str] = Field(description="A sentence for each storm that lasts.")
    outbox_backlog: int = Field(description="Messages to be sent, without those that storms hold.")
    outbox_oldest_seconds: float | None = Field(
        description="How long ago the oldest of these was stored; null where there is none."
    )
    dead_letters: int
    reminders_kept: int
    transfers_kept: int
    estimated: list[str] = Field(description="Of these numbers PostgreSQL's estimate is told.")
    at_least: list[str] = Field(description="These numbers are counted so far and no further.")


class OverrideItem(BaseModel):
    """Values that a legal entity or a tier has in place of everybody's; null: any."""

    legal_entity: str | None = Field(examples=["LE02"])
    tier: str | None = Field(examples=["gold"])
    parameters: dict[str, str] = Field(examples=[{"movement.individual_min_amount": "1000000.00"}])


class RuleItem(BaseModel):
    """A rule in force."""

    code: str = Field(examples=["R01.LARGE_INFLOW"])
    version: int = Field(examples=[2])
    parameters: dict[str, str] = Field(
        examples=[{"movement.individual_min_amount": "500000.00"}],
        description="Value by parameter code; `storm.max_per_hour` is `max_per_hour`.",
    )
    overrides: list[OverrideItem] = Field(
        description="Of several that hold for a customer, the later one wins, value by value."
    )
    currency: str = Field(examples=["CNY"])
    max_per_hour: int = Field(examples=[5000], description="More in an hour begin a storm.")


class Rules(BaseModel):
    """The rules in force."""

    items: list[RuleItem]


class VersionItem(BaseModel):
    """A version of a rule, from when it holds, and who is answerable; null: set up so."""

    version: int = Field(examples=[2])
    parameters: dict[str, Any] = Field(examples=[{"movement.individual_min_amount": "800000.00"}])
    effective_from: datetime
    maker: str | None = Field(examples=["Lin"])
    checker: str | None = Field(examples=["Chen"])
    reason: str | None = Field(examples=["too many"])
    backtest: dict[str, Any] | None = Field(
        examples=[None],
        description="What the last backtest before the approval counted; null: nobody tried it.",
    )


class Versions(BaseModel):
    """Every version of a rule, also those whose time has not come."""

    code: str = Field(examples=["R01.LARGE_INFLOW"])
    items: list[VersionItem]


class DraftItem(BaseModel):
    """A proposed version that waits for a second person."""

    draft_id: int = Field(examples=[7])
    code: str = Field(examples=["R01.LARGE_INFLOW"])
    base_version: int = Field(examples=[1])
    parameters: dict[str, Any] = Field(examples=[{"movement.individual_min_amount": "800000.00"}])
    reason: str = Field(examples=["too many"])
    maker: str = Field(examples=["Lin"])
    made_at: datetime
    backtest: dict[str, Any] | None = Field(
        examples=[None], description="What its last backtest counted; null: nobody tried it."
    )


class Drafts(BaseModel):
    """The drafts that wait."""

    items: list[DraftItem]


class StormItem(BaseModel):
    """A rule that raised too much and is not told."""

    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    hour: datetime = Field(description="The hour of event time that was too much.")
    raised: int = Field(examples=[5_211], description="In that hour, when the storm began.")
    max_per_hour: int = Field(examples=[5_000])
    began_at: datetime
    held: int = Field(examples=[8_704], description="Messages, counted up to 100,000.")
    sentence: str = Field(description="What has happened, and what to do.")


class Storms(BaseModel):
    """The storms that nobody has ended."""

    items: list[StormItem]


class DeadLetterItem(BaseModel):
    """A record, or a record and a rule, that could not be worked on; never what it says."""

    dead_letter_id: int = Field(examples=[17])
    topic: str = Field(examples=["crm.transactions.v1"])
    partition: int = Field(examples=[0])
    offset: int = Field(examples=[81_203])
    rule_code: str | None = Field(examples=[None])
    reason: str = Field(examples=["incomplete"])
    detail: str = Field(examples=["amount: missing"])
    state: str = Field(examples=["dead"])
    attempts: int = Field(examples=[1])
    first_seen_at: datetime


class DeadLetters(BaseModel):
    """Dead letters, the oldest first; `next_cursor` is null where there are no more."""

    items: list[DeadLetterItem]
    next_cursor: str | None = Field(examples=["17"])


class FiredItem(BaseModel):
    """A rule fired for the event. `raised_it`: the message of the reminder was caused by this
    event; `late`: as it says, null where this event caused none that is kept."""

    rule_code: str = Field(examples=["R01.LARGE_INFLOW"])
    version: int | None = Field(examples=[2], description="Null: fired before this was kept.")
    fired_at: datetime
    reminder_id: UUID
    state: str | None = Field(examples=["raised"], description="Null: no longer kept.")
    revision: int | None = Field(examples=[1])
    raised_it: bool
    late: bool | None


class LetterOfEvent(BaseModel):
    """A dead letter of the event, as a whole or for one rule."""

    dead_letter_id: int = Field(examples=[17])
    rule_code: str | None = Field(examples=[None])
    reason: str = Field(examples=["incomplete"])
    detail: str = Field(examples=["amount: missing"])
    state: str = Field(examples=["dead"])


class EventItem(BaseModel):
    """What the database keeps of an event, without its customer and his amounts."""

    event_id: UUID
    fired: list[FiredItem]
    counted_since: datetime | None = Field(description="Since when windows count the transfer.")
    takes_back: bool = Field(description="It is a reversal or a correction.")
    dead_letters: list[LetterOfEvent]
    go_on_with: str = Field(
        examples=["alerting why EVENT_ID --by NAME --purpose operations"],
        description="The command that judges it again and tells of the customer.",
    )
