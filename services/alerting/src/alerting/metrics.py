"""What operations measure: Prometheus metrics of this process."""

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from alerting.batch import BatchResult

disable_created_metrics()  # type: ignore[no-untyped-call]  # a library without annotations

EVENTS = Counter("alerting_events", "Records taken from the topic.")
EVALUATIONS = Counter("alerting_evaluations", "What rules said.", ["rule", "outcome"])
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
PUT_OFF = Counter("alerting_put_off", "Batches put off as a server failed.", ["server"])
SENDS_PUT_OFF = Counter("alerting_sends_put_off", "Messages put off as a server failed.")
FENCED = Counter("alerting_fenced", "Batches refused as another process owns the partition.")
OFFSET_GAPS = Counter(
    "alerting_offset_gaps", "Times a partition went on elsewhere than where it had stopped."
)
LOST_RECORDS = Counter("alerting_lost_records", "Records deleted from the topic before their turn.")
DELETED = Counter("alerting_deleted_rows", "Rows kept long enough.", ["table"])
STORMS = Counter("alerting_storms", "Storms begun: messages of the rule are held.", ["rule"])
RULES_REFUSED = Counter("alerting_rules_refused", "Rule sets that could not be taken over.")


def count(result: BatchResult) -> None:
    """Add a batch that has been committed."""
    EVENTS.inc(result.records)
    LATE.inc(result.late)
    KNOWN.inc(result.known_transfers)
    for (rule, outcome), number in result.outcomes.items():
        EVALUATIONS.labels(rule, outcome).inc(number)
    for rule, number in result.raised.items():
        RAISED.labels(rule).inc(number)
    for rule, number in result.withdrawn.items():
        WITHDRAWN.labels(rule).inc(number)
    for rule in result.storms:
        STORMS.labels(rule).inc()
    for reason, number in result.dead.items():
        DEAD.labels(reason).inc(number)
