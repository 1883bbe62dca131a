"""A database that is not there."""

import asyncio

from clinx.storage.failures import StorageUnavailable
from clinx.storage.program import Program


class Away:
    """Refuses every transaction, and counts them."""

    def __init__(self) -> None:
        self.asked = 0
        self.asked_twice = asyncio.Event()

    async def atomically(self, program: Program[object]) -> object:
        program.close()
        self.asked += 1
        if self.asked > 1:
            self.asked_twice.set()
        raise StorageUnavailable("away")
