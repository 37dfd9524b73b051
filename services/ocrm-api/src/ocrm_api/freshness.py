"""How fresh is what the night publishes and what the stream brings? Measured for the alerts.

In the background, so that `/metrics` answers at once whether PostgreSQL does or not; while it does
not, the gauges keep what they said, and the age of what they name grows.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator

from sqlalchemy import TextClause, text

from crm_shared import logging
from crm_shared.clock import BANK_ZONE, bank_date, now
from ocrm_api import tasks
from ocrm_api.asgi.metrics import Metrics
from ocrm_api.db import Database, is_undefined_relation, sqlstate
from ocrm_api.reminders import waiting

#: About as often as Prometheus asks.
SECONDS = 15.0
#: Reminders are counted one by one.
COUNT_SECONDS = 300.0

_PUBLISHED = text(
    "select extract(epoch from max(business_date)::timestamp at time zone :zone)::float"
    " from acrm.publications"
).bindparams(zone=BANK_ZONE.key)

_HEARTBEAT = text("select extract(epoch from max(heartbeat_at))::float from ocrm.intake_status")
#: What a process that was killed said last is its successors' lag by now.
_LAG = text(
    "select sum(lag)::float from ocrm.intake_status"
    " where heartbeat_at > now() - interval '2 minutes'"
)
_DEAD = text("select count(*)::float from ocrm.intake_dead_letters where settled_at is null")
_MISSING = text("select sum(missing)::float from ocrm.intake_offsets")
_MISSING_AT = text("select extract(epoch from max(missing_at))::float from ocrm.intake_offsets")
_CANARY_AT = text("select extract(epoch from min(canary_at))::float from ocrm.intake_offsets")

log = logging.get(__name__)


async def measure(database: Database, metrics: Metrics) -> None:
    """Ask once. What there is not, as a date before the first publication, is 0."""
    for gauge, statement in (
        (metrics.published, _PUBLISHED),
        (metrics.intake_heartbeat, _HEARTBEAT),
        (metrics.intake_lag, _LAG),
        (metrics.intake_dead_letters, _DEAD),
        (metrics.intake_missing, _MISSING),
        (metrics.intake_missing_at, _MISSING_AT),
        (metrics.intake_canary_at, _CANARY_AT),
    ):
        gauge.set(await _asked(database, statement) or 0)


async def _asked(database: Database, statement: TextClause) -> float | None:
    try:
        async with database.sessions() as session:
            found: float | None = (await session.execute(statement)).scalar_one()
            return found
    except Exception as error:
        if is_undefined_relation(error):  # nothing was published yet
            return None
        raise


async def count(database: Database, metrics: Metrics) -> None:
    """Count the reminders that wait; before the first publication there are none to see."""
    async with database.sessions() as session:
        try:
            waits = await waiting.counts(session, bank_date(now()))
        except Exception as error:
            if is_undefined_relation(error):
                return
            raise
        await session.commit()
    for status, number in waits.by_status.items():
        metrics.reminders.labels(status).set(number)
    metrics.overdue.set(waits.overdue)
    metrics.unrouted.set(waits.unrouted)


@contextlib.asynccontextmanager
async def measured(database: Database, metrics: Metrics) -> AsyncIterator[None]:
    """The gauges are kept up to date for as long as the block runs."""
    task = asyncio.create_task(_keep(database, metrics))
    try:
        yield
    finally:
        await tasks.stop([task])


async def _keep(database: Database, metrics: Metrics) -> None:
    counted_at = -math.inf
    while True:
        try:
            await measure(database, metrics)
            if time.monotonic() >= counted_at + COUNT_SECONDS:
                # First: a count that takes too long is not begun again at every turn.
                counted_at = time.monotonic()
                await count(database, metrics)
        except Exception as error:
            log.warning(
                "freshness_not_measured", error=type(error).__name__, sqlstate=sqlstate(error)
            )
        await asyncio.sleep(SECONDS)
