"""Counts in place of times: how many functions written in Python a piece of work calls."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from types import FrameType


def calls_of(loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, object]) -> int:
    """Run `work` on `loop` to its end; return how many functions written in Python were called."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event == "call"

    async def counted() -> None:
        sys.setprofile(note)
        try:
            await work
        finally:
            sys.setprofile(None)

    loop.run_until_complete(counted())
    return count


def calls_in(work: Callable[[], object]) -> int:
    """Run `work` to its end; return how many functions were called, written in Python or not."""
    count = 0

    def note(frame: FrameType, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count
