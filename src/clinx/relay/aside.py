"""Work on texts, which takes as long as they are: beside the event loop where others would wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

LARGE: Final = 32 << 10
"""Bytes that may take milliseconds to look at or to change."""

_T = TypeVar("_T")


async def aside(size: int, work: Callable[[], _T]) -> _T:
    """Do work over so many bytes, in a thread if they are many; what it raises is raised."""
    return await asyncio.to_thread(work) if size > LARGE else work()
