"""What stands before every request: limits that refuse, problems that speak, ids that follow."""

import asyncio
from typing import Any

import pytest
from fastapi import APIRouter, HTTPException
from pydantic import SecretStr, ValidationError

from ocrm_api import faults
from ocrm_api.permissions import PUBLIC
from ocrm_api.problems import REGISTRY
from ocrm_api.security import operation
from ocrm_api.settings import Settings
from tests.ocrm_api.conftest import Api, Bank, make_app, running


@pytest.mark.parametrize("with_redis", [True, False])
async def test_the_rate_limit_can_refuse(
    shared_bank: Bank, redis_url: str, with_redis: bool
) -> None:
    url = redis_url if with_redis else "redis://127.0.0.1:9/0"
    app = make_app(shared_bank, url, requests_per_minute=5)
    async with running(app, shared_bank) as api:
        answers = [await api.call(None, "GET", "/v1/me") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429] * 2
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert (await api.call(None, "GET", "/livez")).status_code == 200


async def test_log_ins_have_a_limit_of_their_own(shared_bank: Bank, redis_url: str) -> None:
    async with running(make_app(shared_bank, redis_url, logins_per_minute=2), shared_bank) as api:
        answers = [await api.call(None, "POST", "/v1/session") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [422, 422, 429]


@pytest.mark.parametrize(
    ("trusted", "statuses"),
    [("", [422, 422, 429]), ("127.0.0.1", [422, 422, 422]), ("10.0.0.0/8", [422, 422, 429])],
)
async def test_behind_a_trusted_proxy_each_client_has_the_own_limit(
    shared_bank: Bank, redis_url: str, trusted: str, statuses: list[int]
) -> None:
    app = make_app(shared_bank, redis_url, logins_per_minute=2, trusted_proxies=trusted)
    async with running(app, shared_bank) as api:
        answers = [
            await api.call(None, "POST", "/v1/session", headers={"X-Forwarded-For": address})
            for address in ("203.0.113.1", "203.0.113.2, 127.0.0.1", "203.0.113.3")
        ]
    assert [answer.status_code for answer in answers] == statuses


def test_a_trusted_proxy_is_an_address() -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        Settings(database_url=SecretStr("postgresql://x"), demo=True, trusted_proxies="*")


async def test_above_the_cap_requests_are_refused_at_once(
    shared_bank: Bank, redis_url: str
) -> None:
    app = make_app(shared_bank, redis_url, max_in_flight=2)
    gate, router = asyncio.Event(), APIRouter()

    @router.get("/v1/slow", **operation(PUBLIC))
    async def slow() -> dict[str, bool]:
        await gate.wait()
        return {"done": True}

    app.include_router(router)
    async with running(app, shared_bank) as api:
        waiting = [asyncio.create_task(api.call(None, "GET", "/v1/slow")) for _ in range(2)]
        await asyncio.sleep(0.1)
        refused = await api.call(None, "GET", "/v1/slow")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        assert (await api.call(None, "GET", "/livez")).status_code == 200
        gate.set()
        assert [(await one).status_code for one in waiting] == [200, 200]
        assert (await api.call(None, "GET", "/v1/slow")).status_code == 200


async def test_a_body_above_the_limit_is_refused(shared_bank: Bank, redis_url: str) -> None:
    async with running(make_app(shared_bank, redis_url, max_body_bytes=1024), shared_bank) as api:

        async def endless() -> Any:
            for _ in range(4):
                yield b"x" * 512

        for content in (b"x" * 2000, endless()):
            answer = await api.http.post("/v1/session", content=content)
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_problems_speak_chinese_by_default_and_english_on_request(api: Api) -> None:
    chinese, english = ("zh-CN", "未登录"), ("en", "Not logged in")
    for header, (language, title) in (
        (None, chinese),
        ("en", english),
        ("fr, en;q=0.2", english),
        ("en;q=0.3, zh;q=0.9", chinese),
        ("fr", chinese),
        (";;q=x,", chinese),
    ):
        headers = {"Accept-Language": header} if header is not None else {}
        answer = await api.call(None, "GET", "/v1/me", headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        assert (answer.headers["content-language"], answer.json()["title"]) == (language, title)


async def test_a_problem_has_the_members_of_the_standard(api: Api) -> None:
    answer = await api.call(None, "GET", "/v1/me", headers={"X-Request-ID": "my-request-id"})
    problem = answer.json()
    assert problem["request_id"] == answer.headers["X-Request-ID"] == "my-request-id"
    assert (problem["type"], problem["status"], problem["instance"]) == (
        "/problems/not_logged_in", 401, "/v1/me",
    )  # fmt: skip
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_every_problem_has_a_page(api: Api) -> None:
    for code, problem in REGISTRY.items():
        page = await api.call(None, "GET", f"/problems/{code}")
        assert page.status_code == 200
        assert problem.title.zh in page.text and problem.title.en in page.text
    assert (await api.call(None, "GET", "/problems/else")).status_code == 404


async def test_a_request_id_that_could_forge_a_log_is_replaced(api: Api) -> None:
    for given in ("short", "a" * 65, "with space", 'quo"te-and-more'):
        answer = await api.call(None, "GET", "/livez", headers={"X-Request-ID": given})
        assert answer.headers["X-Request-ID"] != given


async def test_faults_of_a_request_repeat_no_value(api: Api) -> None:
    secret = "19900001234-and-more-than-thirty-two-characters"
    answer = await api.call("M1", "POST", "/v1/customers:search", json={"phone": secret})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/body/phone"
    assert secret not in answer.text


async def test_what_is_not_json_is_malformed(api: Api) -> None:
    answer = await api.http.post(
        "/v1/session", content=b"{", headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")


async def test_unknown_paths_and_methods_are_problems(api: Api) -> None:
    assert (await api.call(None, "GET", "/v1/else")).json()["code"] == "not_found"
    assert (await api.call(None, "PUT", "/v1/session")).json()["code"] == "method_not_allowed"


async def test_faults_of_fields_speak_the_language_of_the_answer(api: Api) -> None:
    body = {"limit": 999, "role": "owner", "name_prefix": "", "else": 1}
    for language, expected in (
        ("zh", {"不得大于 200。", "取值应为 'lead' 或 'assist'。", "不允许此字段。",
                "长度不得少于 1 个字符。"}),
        ("en", {"Input should be less than or equal to 200", "Input should be 'lead' or 'assist'",
                "Extra inputs are not permitted", "String should have at least 1 character"}),
    ):  # fmt: skip
        answer = await api.call("M1", "POST", "/v1/customers:search", json=body,
                                headers={"Accept-Language": language})  # fmt: skip
        assert {fault["detail"] for fault in answer.json()["errors"]} == expected


def test_a_fault_without_a_chinese_text_has_its_own() -> None:
    assert faults.sentence({"type": "url_scheme", "msg": "No such scheme"}, "zh-CN") == (
        "No such scheme"
    )


@pytest.mark.parametrize("status", [402, 406, 415])
async def test_a_refusal_of_the_framework_keeps_its_status(
    shared_bank: Bank, redis_url: str, status: int
) -> None:
    app, router = make_app(shared_bank, redis_url), APIRouter()

    @router.get("/v1/refusing", **operation(PUBLIC))
    async def refusing() -> None:
        raise HTTPException(status)

    app.include_router(router)
    async with running(app, shared_bank) as api:
        answer = await api.call(None, "GET", "/v1/refusing")
    assert (answer.status_code, answer.json()["code"]) == (status, "request_refused")
    assert answer.json()["status"] == status


async def test_an_unexpected_error_shows_nothing_of_itself(
    shared_bank: Bank, redis_url: str
) -> None:
    app, router = make_app(shared_bank, redis_url), APIRouter()

    @router.get("/v1/broken", **operation(PUBLIC))
    async def broken() -> None:
        raise RuntimeError("a secret of the inside")

    app.include_router(router)
    async with running(app, shared_bank) as api:
        answer = await api.call(None, "GET", "/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text


async def test_metrics_count_by_route_not_by_path(api: Api) -> None:
    await api.call("M1", "GET", "/v1/customers/1")
    text = (await api.call(None, "GET", "/metrics")).text
    assert 'route="/v1/customers/{customer_id}",status="200"' in text
    assert "/v1/customers/1" not in text


async def test_every_answer_tells_the_browser_to_be_careful(api: Api) -> None:
    for path in ("/livez", "/v1/me", "/v1/else", "/docs", "/problems/not_found"):
        headers = (await api.call(None, "GET", path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"demo": True}, 200),
        ({"demo": False}, 404),
        ({"demo": False, "publish_documentation": True}, 200),
        ({"demo": True, "publish_documentation": False}, 404),
    ],
)
async def test_the_interface_describes_itself_in_a_demo_or_if_told(
    shared_bank: Bank, redis_url: str, given: dict[str, bool], expected: int
) -> None:
    app = make_app(shared_bank, redis_url, **given)
    async with running(app, shared_bank) as api:
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/assets/swagger-ui.css"):
            assert (await api.call(None, "GET", path)).status_code == expected, path
    assert app.openapi()["paths"]
