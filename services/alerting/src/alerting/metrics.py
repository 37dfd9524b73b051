"""What operations measure: Prometheus metrics of this process."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import get_args

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from alerting.batch import BatchResult
from alerting.days_checked import Checked
from alerting.decoding import Reason
from alerting.ownership import Partition, Taken
from alerting.rules import RULES
from alerting.rules.protocol import Scope
from alerting.status import Waiting
from crm_shared.clock import BANK_ZONE
from crm_shared.kafka_gaps import Gap

disable_created_metrics()  # type: ignore[no-untyped-call]  # a library without annotations

EVENTS = Counter("alerting_events", "Records taken from the topic.")
EVALUATIONS = Counter("alerting_evaluations", "What rules said.", ["rule", "outcome"])
ASKED_SCOPES = Counter(
    "alerting_asked_scopes",
    "Judged by parameters that differ by legal entity or by tier, which had to be known.",
    ["rule", "scope"],
)
UNKNOWN_SCOPES = Counter(
    "alerting_unknown_scopes",
    "Judged by everybody's parameters, as the legal entity or the tier is not known.",
    ["rule", "scope"],
)
RAISED = Counter("alerting_reminders_raised", "Reminders raised.", ["rule"])
WITHDRAWN = Counter("alerting_reminders_withdrawn", "Reminders that rest on nothing.", ["rule"])
SENT = Counter("alerting_reminders_sent", "Messages acknowledged by the topic.")
LATE = Counter("alerting_late_events", "Events that came behind the watermark.")
KNOWN = Counter("alerting_known_transfers", "Transfers that the inbox had already.")
DEAD = Counter("alerting_dead_letters", "Dead letters kept.", ["reason"])
BATCH_SECONDS = Histogram(
    "alerting_batch_seconds",
    "From the records of a batch to their commit in PostgreSQL.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
LAG_RECORDS = Gauge("alerting_lag_records", "Records not yet worked on.", ["topic", "partition"])
LAG_SECONDS = Gauge(
    "alerting_lag_seconds", "How long the partition has not been caught up.", ["topic", "partition"]
)
WATERMARK = Gauge(
    "alerting_watermark_timestamp_seconds", "Newest event time seen.", ["topic", "partition"]
)
OUTBOX_BACKLOG = Gauge(
    "alerting_outbox_backlog", "Messages the topic does not have yet, up to 100000."
)
OUTBOX_OLDEST = Gauge(
    "alerting_outbox_oldest_seconds",
    "Age of the oldest message that the topic does not have yet; 0: none.",
)
OPEN_DEAD_LETTERS = Gauge(
    "alerting_open_dead_letters",
    "Dead letters that nobody has requeued or settled, of the whole group, up to 100000.",
    ["reason"],
)
STORMS_LASTING = Gauge(
    "alerting_storms_lasting", "1 while a storm of the rule lasts, of the whole group.", ["rule"]
)
HELD_MESSAGES = Gauge(
    "alerting_held_messages", "Messages that a storm holds, up to 100000.", ["rule"]
)
INCOMPLETE_DAYS = Gauge(
    "alerting_incomplete_days",
    "Business dates since the first check that `alerting completeness` found incomplete or that"
    " were left out, and that nobody has settled.",
)
NEWEST_CHECKED = Gauge(
    "alerting_checked_business_date_timestamp_seconds",
    "Begin of the newest business date that `alerting completeness` has judged, before the first"
    " one of the day before the oldest that was worked on; 0: none.",
)
CANARIES = Gauge(
    "alerting_canary_timestamp_seconds",
    "When the newest canary that was worked on was sent, of the whole group; before the first one,"
    " when the partition was taken over.",
    ["topic", "partition"],
)
RECREATED = Gauge(
    "alerting_topic_recreated_timestamp_seconds",
    "When the topic was found to have been deleted and made again, by its owned partitions.",
    ["topic", "partition"],
)
PUT_OFF = Counter("alerting_put_off", "Batches put off as a server failed.", ["server"])
SENDS_PUT_OFF = Counter("alerting_sends_put_off", "Messages put off as a server failed.")
FENCED = Counter("alerting_fenced", "Batches refused as another process owns the partition.")
OFFSET_GAPS = Counter(
    "alerting_offset_gaps", "Times a partition went on elsewhere than where it had stopped."
)
LOST_RECORDS = Counter("alerting_lost_records", "Records deleted from the topic before their turn.")
LOST_AT = Gauge(
    "alerting_records_lost_timestamp_seconds",
    "When records were last found deleted from the topic before their turn, by its owned"
    " partitions.",
    ["topic", "partition"],
)
MOVING_SINCE = Gauge(
    "alerting_moving_since_timestamp_seconds",
    "Since when a topic has more partitions and batches are small, of the whole group; 0: none.",
)
HELD = Gauge(
    "alerting_partition_held",
    "1 while an owned partition waits, as too many dead letters in a row are open; else 0.",
    ["topic", "partition"],
)
DELETED = Counter("alerting_deleted_rows", "Rows kept long enough.", ["table"])
STORMS = Counter("alerting_storms", "Storms begun: messages of the rule are held.", ["rule"])
RULES_REFUSED = Counter("alerting_rules_refused", "Rule sets that could not be taken over.")

# A counter that begins with its first fault shows no increase, so these begin at zero.
for _reason in get_args(Reason):
    DEAD.labels(_reason)
for _server in ("PostgreSQL", "Kafka"):
    PUT_OFF.labels(_server)
for _rule in (one.code for one in RULES.values() if one.parameter_codes):
    for _scope in Scope._fields:
        ASKED_SCOPES.labels(_rule, _scope)
        UNKNOWN_SCOPES.labels(_rule, _scope)

#: By gauge, the labels of its values.
_said: dict[Gauge, set[tuple[str, ...]]] = {}


def forget_partitions() -> None:
    """Others may own them from now on, and say how far they are."""
    for gauge in (LAG_RECORDS, LAG_SECONDS, WATERMARK, RECREATED, LOST_AT, HELD):
        gauge.clear()


def lags(found: Mapping[Partition, tuple[int, float]]) -> None:
    """How far behind each owned partition is: records, and seconds since it was not."""
    for partition, (records, seconds) in found.items():
        LAG_RECORDS.labels(*partition).set(records)
        LAG_SECONDS.labels(*partition).set(seconds)


def taken(found: Mapping[Partition, Taken]) -> None:
    """What happened to the topics of partitions that are owned from now on."""
    for partition, one in found.items():
        HELD.labels(*partition).set(one.held_at is not None)
        if one.recreated_at is not None:
            RECREATED.labels(*partition).set(one.recreated_at.timestamp())
        if one.records_lost_at is not None:
            LOST_AT.labels(*partition).set(one.records_lost_at.timestamp())


def lost(gaps: Sequence[Gap]) -> None:
    """Records were deleted from their topics before their turn."""
    for gap in gaps:
        OFFSET_GAPS.inc()
        LOST_RECORDS.inc(gap.records)
        LOST_AT.labels(gap.topic, gap.partition).set_to_current_time()


def moving(since: datetime | None) -> None:
    """Since when customers move to other partitions, if they do."""
    MOVING_SINCE.set(since.timestamp() if since else 0)


def waits(found: Waiting) -> None:
    """What waits for a person, as the database has it."""
    for reason in get_args(Reason):
        OPEN_DEAD_LETTERS.labels(reason).set(found.dead_letters.get(reason, 0))
    _replace(STORMS_LASTING, {(storm.rule_code,): 1 for storm in found.storms})
    _replace(HELD_MESSAGES, {(storm.rule_code,): storm.held for storm in found.storms})


def days(found: Checked) -> None:
    """What the daily checks have found."""
    INCOMPLETE_DAYS.set(found.incomplete)
    if found.newest is not None:
        NEWEST_CHECKED.set(datetime.combine(found.newest, time(), BANK_ZONE).timestamp())


def canaries(sent: Mapping[Partition, datetime]) -> None:
    """When the newest canary of each partition that was worked on had been sent."""
    _replace(
        CANARIES,
        {(topic, str(number)): at.timestamp() for (topic, number), at in sent.items()},
    )


def _replace(gauge: Gauge, values: Mapping[tuple[str, ...], float]) -> None:
    """Say these values and no others. What is gone goes last: a scrape in between sees the rest."""
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    for labels in _said.get(gauge, set()) - values.keys():
        gauge.remove(*labels)
    _said[gauge] = set(values)


def count(result: BatchResult) -> None:
    """Add a batch that has been committed."""
    EVENTS.inc(result.records)
    LATE.inc(result.late)
    KNOWN.inc(result.known_transfers)
    for (rule, outcome), number in result.outcomes.items():
        EVALUATIONS.labels(rule, outcome).inc(number)
    for (rule, scope), number in result.asked.items():
        ASKED_SCOPES.labels(rule, scope).inc(number)
    for (rule, scope), number in result.unknown.items():
        UNKNOWN_SCOPES.labels(rule, scope).inc(number)
    for rule, number in result.raised.items():
        RAISED.labels(rule).inc(number)
    for rule, number in result.withdrawn.items():
        WITHDRAWN.labels(rule).inc(number)
    for rule in result.storms:
        STORMS.labels(rule).inc()
    for reason, number in result.dead.items():
        DEAD.labels(reason).inc(number)
