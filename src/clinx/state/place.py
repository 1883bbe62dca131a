"""Where a process counts: in Redis if the operator names one, else for itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from clinx.state.base import Counters
from clinx.state.memory import MemoryCounters


def counters_at(url: str, *, now: Callable[[], datetime], monotonic: Callable[[], float]) -> Counters:
    """Return counters in the Redis at a URL, or of this process where there is none.

    Raises:
        ValueError: the URL is not understood.
    """
    if not url:
        return MemoryCounters(now)
    from clinx.state.redis import RedisCounters  # noqa: PLC0415  (who has no Redis does not pay for its client)

    return RedisCounters(url, monotonic=monotonic)
