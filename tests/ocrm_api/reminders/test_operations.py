"""What operations see of the intake."""

import pytest

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
