from __future__ import annotations

import threading

import pytest

from clinx.relay.aside import LARGE, aside


async def test_only_work_on_much_is_done_beside_the_loop() -> None:
    here = threading.get_ident()

    assert await aside(LARGE, threading.get_ident) == here
    assert await aside(LARGE + 1, threading.get_ident) != here


@pytest.mark.parametrize("size", [0, LARGE + 1])
async def test_what_it_raises_is_raised(size: int) -> None:
    with pytest.raises(ValueError, match="no number"):
        await aside(size, lambda: int("no number"))
