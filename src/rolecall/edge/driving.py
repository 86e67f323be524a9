"""Coroutines driven at once: most answers are ready before anything has to be waited for, and need no task."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from types import coroutine

_under_way: set[asyncio.Task[None]] = set()


def drive(work: Coroutine[object, object, None]) -> None:
    """Run `work` up to where it waits, and what is left of it in a task.

    Until it first waits it has no current task, so it must not open an `asyncio.timeout` or a `TaskGroup` before.
    """
    try:
        waited = work.send(None)
    except StopIteration:
        return
    task = asyncio.get_running_loop().create_task(_go_on(work, waited))
    _under_way.add(task)
    task.add_done_callback(_under_way.discard)


@coroutine
def _go_on(work: Coroutine[object, object, None], waited: object) -> Generator[object, object, None]:
    """Wait for what `work` waits for, in its place, to its end."""
    while True:
        try:
            result = yield waited
        except BaseException as error:  # noqa: BLE001 - a cancellation belongs to the work
            try:
                waited = work.throw(error)
            except StopIteration:
                return
        else:
            try:
                waited = work.send(result)
            except StopIteration:
                return
