"""What operations see of the intake."""

from datetime import datetime, time

import pytest

from crm_shared.clock import BANK_ZONE, bank_date, now
from crm_shared.working_time import working_time
from ocrm_api import freshness
from ocrm_api.scope import UNROUTED
from tests.ocrm_api.conftest import Api


@pytest.mark.parametrize(
    ("ages", "status", "stale"),
    [([], "stopped", []), ([1], "running", [False]), ([90, 1], "running", [True, False]),
     ([90], "stale", [True])],
)  # fmt: skip
async def test_an_intake_without_a_heartbeat_is_stale(
    api: Api, ages: list[int], status: str, stale: list[bool]
) -> None:
    api.bank.execute("delete from ocrm.intake_status")
    for number, age in enumerate(ages):
        api.bank.execute(
            "insert into ocrm.intake_status values"
            " (%s, now(), now() - make_interval(secs => %s), 1, 0, 0)",
            f"worker-{number}", age,
        )  # fmt: skip
    body = await api.get("OP", "/v1/intake")
    assert body["status"] == status
    assert [worker["stale"] for worker in body["workers"]] == stale


async def test_the_metrics_say_how_fresh_intake_and_publication_are(api: Api) -> None:
    api.bank.execute("delete from ocrm.intake_status")
    # The third was killed: what it had not taken in its successors count as theirs.
    for number, seconds in enumerate((2, 30, 150), 1):
        api.bank.execute(
            "insert into ocrm.intake_status values"
            " (%s, now(), now() - make_interval(secs => %s), 1, 7, 0)", f"worker-{number}", seconds,
        )  # fmt: skip
    [(heartbeat,)] = api.bank.execute("select max(heartbeat_at) from ocrm.intake_status")
    day = api.bank.execute("select max(business_date) from acrm.publications")[0][0]
    missing = datetime(2026, 7, 1, tzinfo=BANK_ZONE)
    for partition, (number, seen_at) in enumerate(((3, missing), (2, None), (0, None))):
        api.bank.execute(
            "insert into ocrm.intake_offsets"
            " (topic, partition, next_offset, missing, missing_at, canary_at)"
            " values ('t', %s, 9, %s, %s, %s::timestamptz + interval '1 day')",
            partition, number, seen_at, seen_at,
        )  # fmt: skip
    await freshness.measure(api.app.state.database, api.app.state.metrics)
    said = {
        line.split()[0]: float(line.split()[1])
        for line in (await api.call(None, "GET", "/metrics")).text.splitlines()
        if line.startswith(("ocrm_intake", "ocrm_published", "ocrm_holidays"))
    }
    first_unknown = working_time().unknown_from(bank_date(now()))
    begins = datetime.combine(first_unknown, time(), BANK_ZONE).timestamp()
    assert said["ocrm_holidays_unknown_from_timestamp_seconds"] == begins
    begun = datetime.combine(day, time(), BANK_ZONE).timestamp()
    assert said["ocrm_published_business_date_timestamp_seconds"] == begun
    assert said["ocrm_intake_heartbeat_timestamp_seconds"] == heartbeat.timestamp()
    assert said["ocrm_intake_lag_records"] == 14
    assert said["ocrm_intake_dead_letters"] == 0
    assert said["ocrm_intake_missing_records"] == 5
    assert said["ocrm_intake_missing_timestamp_seconds"] == missing.timestamp()
    assert said["ocrm_intake_canary_timestamp_seconds"] == missing.timestamp() + 86_400


async def test_the_metrics_say_how_much_waits_for_the_whole_bank(own_api: Api) -> None:
    long_ago, far_off = "due_on = '2000-01-01'", "due_on = '2999-01-01'"
    become = {
        "new": long_ago, "seen": far_off, "acknowledged": "due_on = null",
        "snoozed": f"{long_ago}, snoozed_until_on = '2999-01-01'", "withdrawn": long_ago,
    }  # fmt: skip
    for customer, (status, changes) in enumerate(become.items(), 4):
        own_api.bank.execute(
            f"update ocrm.reminders set status = %s, {changes} where reminder_id = %s",
            status, own_api.bank.raise_reminder(customer),
        )  # fmt: skip
    own_api.bank.execute(
        "update ocrm.reminders set branch_id = %s, lead_branch_id = %s"
        " where status in ('snoozed', 'withdrawn')", UNROUTED, UNROUTED,
    )  # fmt: skip
    await freshness.count(own_api.app.state.database, own_api.app.state.metrics)
    text = (await own_api.call(None, "GET", "/metrics")).text
    names = ("ocrm_live", "ocrm_over", "ocrm_unrouted")
    waiting = [line for line in text.splitlines() if line.startswith(names)]
    live = ("new", "seen", "acknowledged", "snoozed")
    assert waiting == [
        *(f'ocrm_live_reminders{{status="{one}"}} 1.0' for one in live),
        "ocrm_overdue_reminders 1.0",
        "ocrm_unrouted_reminders 1.0",
    ]
