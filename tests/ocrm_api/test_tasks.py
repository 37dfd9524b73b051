"""How background tasks of the interface end."""

import asyncio

from ocrm_api import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_again() -> None:
    lost = 0

    async def lose_two() -> None:
        nonlocal lost
        while lost < 2:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                lost += 1
        await asyncio.sleep(3600)

    task = asyncio.create_task(lose_two())
    await asyncio.sleep(0)
    await tasks.stop([task])
    assert (lost, task.cancelled()) == (2, True)


async def test_a_task_that_has_failed_does_not_keep_the_others_from_ending() -> None:
    async def fail() -> None:
        raise ValueError("already over")

    failed, waiting = asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(3600))
    await asyncio.sleep(0)
    await tasks.stop([failed, waiting])
    assert waiting.cancelled()
    assert isinstance(failed.exception(), ValueError)
