"""Log-in and log-out, by token and by cookie."""

from typing import Any

import httpx
import pytest

from ocrm_api import login
from tests.ocrm_api.conftest import PASSWORD, Api, Bank, make_app, running


async def log_in(api: Api, **given: Any) -> httpx.Response:
    """A log-in as M1."""
    return await api.http.post("/v1/session", json={"login": "m1", "password": PASSWORD} | given)


@pytest.mark.parametrize(
    "given", [{"password": "wrong"}, {"login": "nobody"}, {"login": "nobody", "password": "x"}]
)
async def test_a_refusal_does_not_say_what_was_wrong(api: Api, given: dict[str, str]) -> None:
    answer = await log_in(api, **given)
    assert (answer.status_code, answer.json()["code"]) == (401, "login_refused")


async def test_the_database_does_not_know_the_token(api: Api, shared_bank: Bank) -> None:
    token = (await log_in(api)).json()["token"]
    stored = shared_bank.execute("select encode(token_hash, 'escape') from ocrm.sessions")
    assert token not in str(stored)


async def test_after_the_log_out_the_token_is_worth_nothing(api: Api) -> None:
    headers = {"Authorization": f"Bearer {(await log_in(api)).json()['token']}"}
    assert (await api.http.get("/v1/me", headers=headers)).status_code == 200
    assert (await api.http.delete("/v1/session", headers=headers)).status_code == 204
    assert (await api.http.get("/v1/me", headers=headers)).status_code == 401


async def test_a_session_ends_by_itself(api: Api, shared_bank: Bank) -> None:
    headers = {"Authorization": f"Bearer {(await log_in(api)).json()['token']}"}
    shared_bank.execute("update ocrm.sessions set expires_at = now() - interval '1 second'")
    shared_bank.tokens.clear()
    assert (await api.http.get("/v1/me", headers=headers)).status_code == 401


async def test_an_inactive_user_is_out(own_api: Api, own_bank: Bank) -> None:
    await own_api.get("M1", "/v1/me")
    own_bank.execute("update ocrm.users set is_active = false where login = 'm1'")
    assert (await own_api.call("M1", "GET", "/v1/me")).status_code == 401


async def test_changes_by_cookie_need_the_csrf_token(api: Api) -> None:
    answer = await log_in(api, delivery="cookie")
    assert answer.json()["token"] is None
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert (await api.http.get("/v1/me")).status_code == 200
    refused = await api.http.post("/v1/customers:search", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "csrf_token_missing")
    allowed = await api.http.post(
        "/v1/customers:search", json={}, headers={"X-CSRF-Token": answer.json()["csrf_token"]}
    )
    assert allowed.status_code == 200


async def test_a_secure_cookie_is_bound_to_this_host(shared_bank: Bank, redis_url: str) -> None:
    async with running(make_app(shared_bank, redis_url, secure_cookies=True), shared_bank) as api:
        cookie = (await log_in(api, delivery="cookie")).headers["set-cookie"]
    assert cookie.startswith("__Host-ocrm_session=")
    assert "Secure" in cookie


async def test_passwords_are_off_outside_a_demo(shared_bank: Bank, redis_url: str) -> None:
    async with running(make_app(shared_bank, redis_url, demo=False), shared_bank) as api:
        answer = await log_in(api)
    assert (answer.status_code, answer.json()["code"]) == (403, "password_login_off")


async def test_guessing_a_password_is_slowed_down(own_api: Api) -> None:
    codes = [(await log_in(own_api, password="guess")).status_code for _ in range(11)]
    assert codes == [401] * 10 + [429]


async def test_guesses_from_one_address_do_not_shut_a_person_out(
    own_api: Api, own_bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(11):
        refused = await log_in(own_api, password="guess")
    assert refused.status_code == 429
    transport = httpx.ASGITransport(own_api.app, client=("192.0.2.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://ocrm.test") as elsewhere:
        body = {"login": "m1", "password": PASSWORD}
        assert (await elsewhere.post("/v1/session", json=body)).status_code == 201
        monkeypatch.setattr(login, "GUESSES", 3)
        codes = [(await elsewhere.post("/v1/session", json=body)).status_code for _ in range(4)]
    assert codes[-1] == 429


async def test_before_the_first_publication_nobody_can_log_in(own_api: Api, own_bank: Bank) -> None:
    own_bank.execute("drop schema acrm cascade")
    answer = await log_in(own_api)
    assert (answer.status_code, answer.json()["code"]) == (503, "nothing_published")
    ready = await own_api.get(None, "/readyz")
    assert ready["checks"]["publication"].startswith("Nothing is published yet")
