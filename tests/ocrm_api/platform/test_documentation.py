"""The examples of `docs/api.md` do what they say, and it names every setting."""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

from ocrm_api.settings import Settings
from tests.ocrm_api.conftest import PASSWORD, Bank, make_app, serving

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the examples use curl")
async def test_the_examples_run(own_bank: Bank, redis_url: str) -> None:
    examples = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, flags=re.DOTALL))
    reminder = own_bank.raise_reminder(1)
    async with serving(make_app(own_bank, redis_url)) as address:
        process = await asyncio.create_subprocess_exec(
            "bash", "-eu", "-o", "pipefail", "-c", examples.replace("| head -n 3", "|| true"),
            env={
                "PATH": os.environ["PATH"], "NO_PROXY": "*", "OCRM": address, "LOGIN": "m1",
                "PASSWORD": PASSWORD, "CUSTOMER": "1", "REMINDER": str(reminder),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, faults = await process.communicate()
    assert process.returncode == 0, faults.decode() + output.decode()[-2000:]
    for expected in (
        "event: ready",
        '"code":"not_found"',
        '"status":"done"',
        "19900000001",
        '"channel":"email"',
    ):
        assert expected in output.decode()


def test_every_setting_is_documented() -> None:
    names = {f"OCRM_{name}".upper() for name in Settings.model_fields}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
