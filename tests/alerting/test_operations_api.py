"""The operations API tells what the commands tell, to those who know the token, and streams."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
import structlog
from psycopg.types.json import Jsonb

from alerting import api, drafts, migrate, ruleset, storms, stream
from alerting.api_documents import Status
from alerting.settings import AlertingSettings
from alerting.watchdog import Watchdog
from crm_shared.settings import KafkaSettings
from crm_shared.testing.network import free_port
from tests.alerting.batches import record, records, run
from tests.alerting.bookings import NOON, booking, closure, reversal
from tests.databases import PostgresDatabase

TOKEN = "a token of the operators"
INFLOW = "R01.LARGE_INFLOW"
STREAM = "/v1/reminders/stream"
NOWHERE = KafkaSettings(bootstrap="127.0.0.1:1")


@pytest.fixture
def watchdog() -> Watchdog:
    return Watchdog(30)


@pytest.fixture
def client(settings: AlertingSettings, watchdog: Watchdog) -> Iterator[httpx.Client]:
    """A client that knows the token of a listening process."""
    ours = AlertingSettings.model_validate(settings.model_dump() | {"operations_token": TOKEN})
    yield from _listening(ours, watchdog, NOWHERE)


def _listening(
    ours: AlertingSettings, watchdog: Watchdog, kafka_settings: KafkaSettings
) -> Iterator[httpx.Client]:
    listener = api.listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        api.served(api.create_app(watchdog, ours, kafka_settings), listener),
        httpx.Client(base_url=url, headers=headers, timeout=30) as opened,
    ):
        yield opened


def _paths(document: dict[str, Any]) -> list[str]:
    known = {"{code}": INFLOW, "{event_id}": str(UUID(int=1))}
    paths = [path for path in document["paths"] if "/v1/" in path]
    for name, value in known.items():
        paths = [path.replace(name, value) for path in paths]
    return paths


def test_nothing_is_read_without_the_token(client: httpx.Client) -> None:
    paths = _paths(client.get("/openapi.json").json())
    assert len(paths) == 9
    for path in paths:
        for headers in ({"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            answer = client.get(path, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "not_allowed")
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"] == "Bearer"
    assert client.get("/metrics", headers={"Authorization": ""}).status_code == 200


def test_without_a_token_in_the_settings_nobody_reads_and_the_probes_answer(
    settings: AlertingSettings, watchdog: Watchdog
) -> None:
    for one in _listening(settings, watchdog, NOWHERE):
        for path in _paths(one.get("/openapi.json").json()):
            answer = one.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "token_not_set")
            assert "Set ALERTING_OPERATIONS_TOKEN" in answer.json()["detail"]
        assert one.get("/livez").status_code == 200
    short = settings.model_dump() | {"operations_token": "short"}
    with pytest.raises(ValueError, match="at least 16 characters"):
        AlertingSettings.model_validate(short)
    empty = AlertingSettings.model_validate(settings.model_dump() | {"operations_token": ""})
    assert empty.operations_token is None


@pytest.mark.kafka
def test_the_status_says_how_far_every_partition_is(
    settings: AlertingSettings,
    watchdog: Watchdog,
    kafka_bootstrap: str,
    kafka_prefix: str,
    connection: psycopg.Connection,
) -> None:
    ours = AlertingSettings.model_validate(settings.model_dump() | {"operations_token": TOKEN})
    broker = KafkaSettings(bootstrap=kafka_bootstrap, topic_prefix=kafka_prefix)
    topic = f"{kafka_prefix}crm.transactions.v1"
    connection.execute(
        "insert into alerting.partitions (topic, partition, epoch, owner, next_offset, processed)"
        " values (%s, 0, 1, 'test', 5, 5)",
        (topic,),
    )
    connection.commit()
    for one in _listening(ours, watchdog, broker):
        status = one.get("/v1/status").json()
        (partition,) = status["partitions"]
        assert (partition["processed"], partition["behind_seconds"]) == (5, 0.0)
        assert status["outbox_backlog"] == 0


def test_a_server_that_is_away_is_a_problem_that_names_it(
    settings: AlertingSettings, watchdog: Watchdog
) -> None:
    nowhere = f"postgresql://alerting_owner@127.0.0.1:{free_port()}/crm"
    ours = settings.model_dump() | {"operations_token": TOKEN, "database_url": nowhere}
    for one in _listening(AlertingSettings.model_validate(ours), watchdog, NOWHERE):
        answer = one.get("/v1/storms")
        assert (answer.status_code, answer.json()["code"]) == (503, "server_unavailable")
        assert "PostgreSQL at 127.0.0.1" in answer.json()["detail"]
        assert one.get(STREAM).json()["code"] == "server_unavailable"


def test_a_fault_of_ours_is_a_problem_that_the_log_knows_by_its_id(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    connection.execute("alter table alerting.storms rename to storms_elsewhere")
    connection.commit()
    try:
        with structlog.testing.capture_logs() as logs:
            answer = client.get("/v1/storms")
    finally:
        connection.execute("alter table alerting.storms_elsewhere rename to storms")
        connection.commit()
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (500, "internal_error")
    assert "request_id" in problem["detail"]
    assert "request_id" in problem["detail_zh"]
    (entry,) = (one for one in logs if one["event"] == "operations_failed")
    assert entry["request_id"] == problem["request_id"]
    assert isinstance(entry["exc_info"], psycopg.errors.UndefinedTable)


def test_rules_versions_and_drafts_are_told(
    client: httpx.Client, connection: psycopg.Connection, settings: AlertingSettings
) -> None:
    drafts.draft(
        connection, INFLOW, {"movement.individual_min_amount": "800000.00"}, maker="Lin",
        reason="too many", settings=settings,
    )  # fmt: skip
    by_tier = {"tier": "gold", "parameters": {"card_spend.min_amount": "9.00"}}
    connection.execute(
        "insert into alerting.rules (code, version, parameters, effective_from)"
        " values ('R01.LARGE_CARD_SPEND', 2, %s, '2000-01-01')",
        (Jsonb({"card_spend.min_amount": "50000.00", "overrides": [by_tier]}),),
    )
    connection.commit()
    rules = {one["code"]: one for one in client.get("/v1/rules").json()["items"]}
    assert rules["R01.LARGE_CARD_SPEND"]["overrides"] == [by_tier | {"legal_entity": None}]
    assert rules[INFLOW]["parameters"]["movement.individual_min_amount"] == "500000.00"
    versions = client.get(f"/v1/rules/{INFLOW}").json()
    assert [one["version"] for one in versions["items"]] == [1]
    assert "movement.currency" in client.get(f"/v1/rules/{INFLOW}/schema").json()["properties"]
    (draft,) = client.get("/v1/drafts").json()["items"]
    assert (draft["maker"], draft["base_version"], draft["backtest"]) == ("Lin", 1, None)
    missing = client.get("/v1/rules/R99.NONE")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert client.get("/v1/nothing").json()["code"] == "not_found"


def test_rules_that_are_not_understood_are_a_problem_that_says_what_to_do(
    watchdog: Watchdog, postgres_database: PostgresDatabase
) -> None:
    url = postgres_database.alerting_owner
    ours = {"database_url": url, "operations_token": TOKEN}
    for one in _listening(AlertingSettings.model_validate(ours), watchdog, NOWHERE):
        assert "run `alerting migrate`" in one.get("/v1/rules").json()["detail"]
        migrate.upgrade(url)
        with psycopg.connect(url) as connection:
            connection.execute(
                "insert into alerting.rules (code, version, effective_from)"
                " values ('R99', 1, now())"
            )
        answer = one.get("/v1/rules")
        assert (answer.status_code, answer.json()["code"]) == (500, "ruleset")
        assert "remove the row" in answer.json()["detail"]


def test_dead_letters_come_by_pages_and_say_nothing_of_what_they_hold(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    run(connection, records([b'{"customer_id": 4711', b"two", b"three"], 9_000))
    first = client.get("/v1/dead-letters", params={"limit": 2}).json()
    assert [one["offset"] for one in first["items"]] == [9_000, 9_001]
    assert "4711" not in json.dumps(first)
    rest = client.get("/v1/dead-letters", params={"cursor": first["next_cursor"]}).json()
    assert [one["offset"] for one in rest["items"]] == [9_002]
    assert rest["next_cursor"] is None
    wrong = client.get("/v1/dead-letters", params={"limit": 900, "cursor": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid_request")
    assert {one["pointer"] for one in wrong.json()["errors"]} == {"/query/limit", "/query/cursor"}


class _Reader:
    """The events of a stream, one after the other."""

    def __init__(self, answer: httpx.Response) -> None:
        assert answer.status_code == 200
        self._lines = answer.iter_lines()

    def next(self) -> tuple[str, int, dict[str, Any]]:
        fields: dict[str, str] = {}
        for line in self._lines:
            name, _, value = line.partition(": ")
            fields[name] = value
            if not line and "event" in fields:
                return fields["event"], int(fields["id"]), json.loads(fields["data"])
        raise EOFError


def test_reminders_are_told_as_they_are_stored_by_rule_and_branch(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    params = {"rule_code": INFLOW, "branch_id": "B02"}
    with client.stream("GET", STREAM, params=params) as answer:
        reader = _Reader(answer)
        assert reader.next()[0] == "ready"
        here = booking(10, customer_id=1, amount="900000.00", branch_id="B02")
        elsewhere = booking(11, customer_id=2, amount="900000.00", branch_id="B01")
        run(connection, records([closure(12, branch_id="B02"), elsewhere, here], 100))
        run(connection, records([reversal(here, 13, branch_id="B07")], 200))
        kind, _, raised = reader.next()
        assert (kind, raised["branch_id"], raised["held"]) == ("reminder.raised", "B02", False)
        kind, _, withdrawn = reader.next()
        assert (kind, withdrawn["branch_id"]) == ("reminder.withdrawn", "B02")
        assert withdrawn["reminder_id"] == raised["reminder_id"]
        assert not {"customer_id", "amount", "subject", "window", "facts"} & raised.keys()
    assert client.get(STREAM, params={"rule_code": "R99"}).status_code == 404


def test_a_stream_resumes_where_it_was_and_says_when_it_cannot(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    first = [booking(number, customer_id=3, amount="900000.00") for number in range(20, 23)]
    with client.stream("GET", STREAM) as answer:
        reader = _Reader(answer)
        _, ready, _ = reader.next()
        run(connection, records(first, 300))
        seen = [reader.next()[1] for _ in first]
    assert ready < seen[0]
    with client.stream("GET", STREAM, headers={"Last-Event-ID": str(seen[0])}) as answer:
        reader = _Reader(answer)
        assert [reader.next()[1] for _ in first[1:]] == seen[1:]
    for unknown in ("never", str(seen[-1] + 1_000)):
        with client.stream("GET", STREAM, headers={"Last-Event-ID": unknown}) as answer:
            assert _Reader(answer).next()[0] == "reset"
    connection.execute("delete from alerting.outbox where seq = %s", (seen[1],))
    connection.commit()
    with client.stream("GET", STREAM, headers={"Last-Event-ID": str(seen[0])}) as answer:
        assert _Reader(answer).next()[0] == "reset"


def test_what_a_storm_holds_is_streamed_and_told(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    amounts = {"movement.individual_min_amount": "500", "movement.business_min_amount": "500"}
    rules = ruleset.ruleset_of([(INFLOW, 1, amounts | {"storm.max_per_hour": "1"})])
    late = NOON + timedelta(hours=5)
    many = [booking(one, customer_id=4, amount="600.00", occurred_at=late) for one in range(30, 33)]
    with client.stream("GET", STREAM) as answer:
        reader = _Reader(answer)
        reader.next()
        run(connection, records(many, 400), rules=rules)
        assert [reader.next()[2]["held"] for _ in many] == [True, True, True]
    (storm,) = client.get("/v1/storms").json()["items"]
    assert (storm["rule_code"], storm["held"]) == (INFLOW, 3)
    assert "alerting storms end" in storm["sentence"]
    storms.end(connection, INFLOW, by="Chen", reason="test", withdraw=True)


async def test_a_number_given_earlier_and_committed_later_is_waited_for(
    alerting_url: str, settings: AlertingSettings
) -> None:
    add = (
        "insert into alerting.outbox (reminder_id, rule_code, customer_id, business_date, message)"
        " values (gen_random_uuid(), 'R', 1, now(), '') returning seq"
    )
    with psycopg.connect(alerting_url) as slow, psycopg.connect(alerting_url) as fast:
        async with stream.opened(settings) as connection:
            settled = stream.Settled(connection)
            lower = (slow.execute(add).fetchone() or (0,))[0]
            higher = (fast.execute(add).fetchone() or (0,))[0]
            fast.commit()
            assert [await settled.look() < lower for _ in range(4)] == [True] * 4
            later = (fast.execute(add).fetchone() or (0,))[0]
            slow.commit()
            assert higher <= await settled.look() < later, "the newest writer is not waited for"
            fast.rollback()
            assert await settled.look() == later


@pytest.mark.parametrize("last_event_id", [None, "never"])
async def test_a_stream_begins_when_all_that_was_being_stored_is_stored(
    alerting_url: str, settings: AlertingSettings, last_event_id: str | None
) -> None:
    told = {"type": "reminder.raised", "rule_code": "R", "occurred_at": "2026-07-01T00:00:00Z"}
    message = json.dumps(told | {"reminder_id": str(uuid4())}).encode()
    add = (
        "insert into alerting.outbox (reminder_id, rule_code, customer_id, business_date, message)"
        " values (gen_random_uuid(), 'R', 1, now(), %s) returning seq"
    )
    frames = stream.events(settings, stream.Wanted(), last_event_id, lambda: False)
    with psycopg.connect(alerting_url) as slow, psycopg.connect(alerting_url) as fast:
        async with asyncio.timeout(30), aclosing(frames):
            slow.execute(add, (message,))
            fast.execute(add, (message,))
            fast.commit()
            begun = asyncio.ensure_future(anext(frames))
            await asyncio.wait([begun], timeout=1)
            assert not begun.done(), "what is stored after the greeting would not be told"
            slow.commit()
            await begun
            (later,) = fast.execute(add, (message,)).fetchone() or (0,)
            fast.commit()
            assert b"id: %d\n" % later in await anext(frames)


def test_there_are_no_more_streams_than_may_be_and_they_end_with_the_process(
    client: httpx.Client, watchdog: Watchdog
) -> None:
    with ExitStack() as opened:
        answers = [opened.enter_context(client.stream("GET", STREAM)) for _ in range(stream.MOST)]
        refused = client.get(STREAM)
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_streams")
        watchdog.drain()
        for answer in answers:
            assert "ready" in answer.read().decode()


async def test_a_client_that_takes_nothing_is_cut_off_and_gives_its_place_back(
    settings: AlertingSettings,
) -> None:
    streams = stream.OpenStreams()
    never = asyncio.Event()
    for _ in range(stream.MOST):
        begun = await stream.respond(streams, settings, stream.Wanted(), None, lambda: False)
        response = stream.LiveResponse(streams, b"first", begun.frames, patience_seconds=0.01)
        await response({"type": "http"}, never.wait, lambda _: never.wait())  # type: ignore[arg-type, return-value]
    streams.take()


def test_the_document_shows_an_answer_and_the_problems_of_every_operation(
    client: httpx.Client,
) -> None:
    document = client.get("/openapi.json").json()
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert "422" not in operation["responses"]
            if path.startswith("/v1/"):
                assert {"400", "401", "500", "503"} <= operation["responses"].keys()
                assert operation["security"] == [{"HTTPBearer": []}]
    assert "ValidationError" not in json.dumps(document)
    for example in document["components"]["schemas"]["Status"]["examples"]:
        assert Status.model_validate(example).lag_records == 90


def test_an_event_says_what_it_fired_and_nothing_of_its_customer(
    client: httpx.Client, connection: psycopg.Connection
) -> None:
    event = booking(
        980_001, customer_id=980_001_077, amount="654321.00", correlation_id="order 17 of the core"
    )
    half = b'{"event_id": "' + str(event.event_id).encode()
    run(connection, [record(0, event, partition=7), record(1, half, partition=7)])
    answer = client.get(f"/v1/events/{event.event_id}")
    found = answer.json()
    (one,) = found["fired"]
    assert (one["rule_code"], one["version"], one["state"]) == (INFLOW, 1, "raised")
    assert (one["raised_it"], one["late"]) == (True, False)
    assert [it["reason"] for it in found["dead_letters"]] == ["undecodable"]
    assert found["go_on_with"].startswith(f"alerting why {event.event_id}")
    assert "980001077" not in answer.text
    assert "654321" not in answer.text
    nothing = client.get(f"/v1/events/{uuid4()}")
    assert (nothing.status_code, nothing.json()["code"]) == (404, "not_found")
    assert "alerting why" in nothing.json()["detail"]
    assert client.get("/v1/events/17").status_code == 400
