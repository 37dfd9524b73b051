"""Who is logged in says how he wants to be notified, and nobody says it for another."""

import asyncio
from typing import Any

import httpx
import pytest

from tests.ocrm_api.conftest import Api
from tests.ocrm_api.notifications.conftest import Desk

PATH = "/v1/me/notification-preferences"
BY_MAIL = {"enabled": True, "channel": "email", "language": "en"}


async def put(api: Api, employee: str, etag: str | None, **wishes: Any) -> httpx.Response:
    """Ask for a change of what was seen under a tag."""
    headers = {} if etag is None else {"If-Match": etag}
    return await api.call(employee, "PUT", PATH, json=BY_MAIL | wishes, headers=headers)


async def test_what_one_wants_holds_for_oneself_alone(api: Api, desk: Desk) -> None:
    before = await api.get("M1", PATH)
    said = {one: before[one] for one in ("employee_id", *BY_MAIL)}
    assert said == {"employee_id": "M1", "enabled": True, "channel": None, "language": None}
    answer = await put(api, "M1", before["etag"])
    assert (answer.status_code, answer.headers["etag"]) == (200, answer.json()["etag"])
    assert await api.get("M1", PATH) == {
        "employee_id": "M1",
        **BY_MAIL,
        "etag": answer.json()["etag"],
    }
    assert (await api.get("M2", PATH))["channel"] is None
    [(who, by)] = desk.bank.execute(
        "select subject_id, employee_id from ocrm.audit_log"
        " where action = 'notification.preferred' and request_id <> 'command line'"
    )
    assert (who, by) == ("M1", "M1")


async def test_the_notifier_does_as_one_wants(api: Api, desk: Desk) -> None:
    etag = (await api.get("M1", PATH))["etag"]
    assert (await put(api, "M1", etag, channel=None)).status_code == 200
    desk.bank.raise_reminder(4, "R01.LARGE_OUTFLOW")
    await asyncio.to_thread(desk.turn)
    assert [one["data"]["title"] for one in desk.written] == ["1 urgent reminder for you"]


async def test_what_was_changed_meanwhile_is_not_overwritten(api: Api, desk: Desk) -> None:
    del desk
    etag = (await api.get("M1", PATH))["etag"]
    both = await asyncio.gather(
        put(api, "M1", etag, language="en"), put(api, "M1", etag, language=None)
    )
    assert sorted(one.status_code for one in both) == [200, 412]
    assert (await put(api, "M1", None)).status_code == 428


@pytest.mark.parametrize(
    "wishes",
    [{"channel": "console"}, {"channel": "pigeon"}, {"employee_id": "M2"}, {"enabled": None}],
)
async def test_a_wish_that_cannot_be_is_refused(
    api: Api, desk: Desk, wishes: dict[str, Any]
) -> None:
    etag = (await api.get("M1", PATH))["etag"]
    assert (await put(api, "M1", etag, **wishes)).status_code == 422
    assert desk.bank.execute("select 1 from ocrm.notification_preferences") == []
