"""The operations API: what the commands show, to read only.

Changes stay on the command line, where two people are logged in to the machine. The token names no
person, so nothing here tells of a customer.
"""

import hmac
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from typing import Annotated, Any, Literal
from uuid import UUID

import psycopg
from fastapi import APIRouter, Depends, Header, Path, Query
from fastapi.responses import StreamingResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from alerting import api_documents as documents
from alerting import dead_letters, drafts, parameters, ruleset, storms, stream, traces
from alerting import status as standing
from alerting.api_problems import Problem, responses
from alerting.commands import connected
from alerting.rules import RULES
from alerting.ruleset import RuleInForce
from alerting.settings import AlertingSettings
from crm_shared.settings import KafkaSettings

#: Requests at once: each has a connection and a thread of the process that judges events.
_AT_ONCE = 4

_Reading = Callable[[], AbstractContextManager[psycopg.Connection]]

_bearer = HTTPBearer(auto_error=False, description="The value of ALERTING_OPERATIONS_TOKEN.")

Code = Annotated[str, Path(examples=["R01.LARGE_INFLOW"])]
Cursor = Annotated[
    str | None, Query(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before.")
]


_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "`reminder.raised` and `reminder.withdrawn`, with what is known of the"
        " reminder but for its customer; `ready` at the start; `reset` when messages after"
        " Last-Event-ID are no longer kept, so that something may have been missed. A comment every"
        " 15 seconds. `held` is true where a storm keeps the message from being sent.",
        "content": {
            stream.MEDIA_TYPE: {
                "schema": {"type": "string"},
                "example": "event: reminder.raised\nid: 641\ndata: "
                '{"type":"reminder.raised","reminder_id":"5f2c3a86-6f0e-5a5c-8f50-3b1f6a0a9c11",'
                '"rule_code":"R01.LARGE_INFLOW","revision":1,"rule_version":2,'
                '"branch_id":"B0101","business_date":"2026-07-01",'
                '"occurred_at":"2026-07-01T02:15:07Z","priority":2,"late":false,"held":false,'
                '"stored_at":"2026-07-01T02:15:07.310000Z"}\n\n',
            }
        },
    },
    **responses((404, "There is no such rule.")),
}


def require_token(settings: AlertingSettings) -> Callable[..., None]:
    """The check that a request knows the token; without one in the settings nobody does."""

    def check(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
        if settings.operations_token is None:
            raise Problem(
                503,
                "token_not_set",
                "Set ALERTING_OPERATIONS_TOKEN for this process to read anything below /v1.",
            )
        wanted = settings.operations_token.get_secret_value()
        said = given.credentials if given else ""
        if not hmac.compare_digest(said.encode(), wanted.encode()):
            raise Problem(
                401,
                "not_allowed",
                "Send the value of ALERTING_OPERATIONS_TOKEN as `Authorization: Bearer …`.",
                headers={"WWW-Authenticate": "Bearer"},
            )

    return check


def router_of(
    settings: AlertingSettings, kafka_settings: KafkaSettings, is_stopping: Callable[[], bool]
) -> APIRouter:
    """The endpoints below /v1; streams end when the process `is_stopping`."""
    router = APIRouter(
        prefix="/v1",
        dependencies=[Depends(require_token(settings))],
        responses=responses(
            (400, "A parameter is not understood."),
            (401, "The token is missing or wrong."),
            (500, "A fault of ours; the log has it under the `request_id`."),
            (503, "No token is set, a server is away, or there are too many requests."),
        ),
    )
    reading = _reading(settings)
    _add_work(router, reading, kafka_settings)
    _add_events(router, reading)
    _add_rules(router, reading)
    _add_stream(router, settings, is_stopping)
    return router


def _reading(settings: AlertingSettings) -> _Reading:
    """Connections for requests, so many at once."""
    places = threading.BoundedSemaphore(_AT_ONCE)

    @contextmanager
    def reading() -> Iterator[psycopg.Connection]:
        if not places.acquire(blocking=False):
            sentence = f"{_AT_ONCE} requests are being answered already; ask again in a second."
            raise Problem(503, "overloaded", sentence, headers={"Retry-After": "1"})
        try:
            with connected(settings, seconds=settings.statement_timeout_seconds * 2) as connection:
                yield connection
        finally:
            places.release()

    return reading


def _add_work(router: APIRouter, reading: _Reading, kafka_settings: KafkaSettings) -> None:
    @router.get("/status", response_model=documents.Status, tags=["work"])
    def status() -> dict[str, Any]:
        """Lag, watermark and throughput of each partition, backlog and dead letters; looks twice
        within a second."""
        with reading() as connection:
            return standing.read(connection, kafka_settings)

    @router.get("/storms", response_model=documents.Storms, tags=["work"])
    def lasting_storms() -> dict[str, Any]:
        """The storms that nobody has ended; `alerting storms end` ends one."""
        with reading() as connection:
            found = storms.lasting(connection)
        return {"items": [asdict(one) | {"sentence": one.sentence} for one in found]}

    @router.get("/dead-letters", response_model=documents.DeadLetters, tags=["work"])
    def letters(
        state: Literal["dead", "requeued", "settled"] = "dead",
        reason: Annotated[str | None, Query(max_length=64, examples=["rule_failed"])] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Cursor = None,
    ) -> dict[str, Any]:
        """Where they lie and why; what they say, `alerting dead-letters list` tells who asks."""
        with reading() as connection:
            found = dead_letters.find(
                connection, state=state, reason=reason, after=int(cursor or 0), limit=limit + 1
            )
        more = len(found) > limit
        items = [asdict(one) | {"offset": one.log_offset, "rule_code": one.rule_code or None}
                 for one in found[:limit]]  # fmt: skip
        last = str(found[limit - 1].dead_letter_id) if more else None
        return {"items": items, "next_cursor": last}


def _add_events(router: APIRouter, reading: _Reading) -> None:
    @router.get(
        "/events/{event_id}",
        response_model=documents.EventItem,
        tags=["work"],
        responses=responses((404, "The database keeps nothing of such an event.")),
    )
    def event(event_id: UUID) -> dict[str, Any]:
        """For which rules an event fired, by which version, and what became of it here. What
        judged and did not fire is kept nowhere: `alerting why` judges it again."""
        with reading() as connection:
            known = traces.of(connection, event_id)
        if not known.anything:
            sentence = (
                "Nothing is kept of such an event. It may have fired no rule: `alerting why` on "
                "the command line looks for it in the delivered files."
            )
            raise Problem(404, "not_found", sentence)
        return {
            "event_id": event_id,
            "fired": [_fired(one, known) for one in known.fired],
            "counted_since": known.came_at,
            "takes_back": known.takes_back is not None,
            "dead_letters": [
                asdict(one) | {"rule_code": one.rule_code or None} for one in known.letters
            ],
            "go_on_with": f"alerting why {event_id} --by NAME --purpose operations",
        }


def _fired(one: traces.Fired, known: traces.Traces) -> dict[str, Any]:
    message = known.raised.get(one.reminder_id)
    return asdict(one) | {
        "version": one.rule_version,
        "raised_it": message is not None,
        "late": message.late if message else None,
    }


def _add_rules(router: APIRouter, reading: _Reading) -> None:
    missing = responses((404, "There is no such rule."))

    @router.get("/rules", response_model=documents.Rules, tags=["rules"])
    def rules_in_force() -> dict[str, Any]:
        """The rules in force, with version and parameters."""
        with reading() as connection:
            found = ruleset.load(connection)
        return {"items": [_rule(one) for one in found.rules]}

    @router.get(
        "/rules/{code}", response_model=documents.Versions, tags=["rules"], responses=missing
    )
    def versions(code: Code) -> dict[str, Any]:
        """Every version of a rule: from when, what, by whom and why."""
        _require_rule(code)
        with reading() as connection:
            found = drafts.versions(connection, code)
        return {"code": code, "items": [asdict(one) for one in found]}

    @router.get("/rules/{code}/schema", tags=["rules"], responses=missing)
    def schema(code: Code) -> dict[str, Any]:
        """The JSON Schema of a rule's parameters."""
        _require_rule(code)
        return parameters.schema(code)

    @router.get("/drafts", response_model=documents.Drafts, tags=["rules"])
    def open_drafts() -> dict[str, Any]:
        """The drafts that wait for a second person; `alerting rules approve` puts one in force."""
        with reading() as connection:
            return {"items": [asdict(one) for one in drafts.open_drafts(connection)]}


def _rule(one: RuleInForce) -> dict[str, Any]:
    return {
        "code": one.rule.code,
        "version": one.version,
        "parameters": {name: str(value) for name, value in one.parameters.values.items()},
        "overrides": [
            {
                "legal_entity": it.scope.legal_entity,
                "tier": it.scope.tier,
                "parameters": {name: str(value) for name, value in it.values.items()},
            }
            for it in one.parameters.overrides
        ],
        "currency": one.parameters.currency,
        "max_per_hour": one.parameters.max_per_hour,
    }


def _require_rule(code: str) -> None:
    if code not in RULES:
        raise Problem(404, "not_found", "There is no such rule of the stream; /v1/rules lists all.")


def _add_stream(
    router: APIRouter, settings: AlertingSettings, is_stopping: Callable[[], bool]
) -> None:
    streams = stream.OpenStreams()

    @router.get(
        "/reminders/stream",
        tags=["work"],
        response_class=StreamingResponse,
        responses=_STREAM,
        summary="Reminders as they are stored (server-sent events)",
    )
    async def stream_reminders(
        rule_code: Annotated[list[str] | None, Query(max_length=50)] = None,
        branch_id: Annotated[list[str] | None, Query(max_length=200)] = None,
        last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", max_length=64)] = None,
    ) -> StreamingResponse:
        """Reminders raised and withdrawn, by rule and branch (each may be given more than once)."""
        for code in rule_code or ():
            _require_rule(code)
        wanted = stream.Wanted(frozenset(rule_code or ()), frozenset(branch_id or ()))
        return await stream.respond(streams, settings, wanted, last_event_id, is_stopping)
