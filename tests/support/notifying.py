"""What tells people, wired to real servers on loopback, with a tree that can be changed."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from clinx.domain.console import Console, Mail, Notifications, Webhook
from clinx.mail.postman import Postman
from clinx.mail.smtp import Way
from clinx.notify.courier import Courier
from clinx.notify.news import Terms
from clinx.telemetry.tasks import Supervisor
from clinx.upstream.fetch import Fetcher
from support.database import Clock

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@dataclass
class Posts:
    """A postman and a courier."""

    clock: Clock
    mail: Mail | None
    console: Console = field(default_factory=lambda: Console(name="Example AI", url="https://console.example.com"))
    most: int = 100

    def __post_init__(self) -> None:
        name = lambda: self.console.name  # noqa: E731
        self.postman = Postman(lambda: self.mail, name, now=self.clock.now, way=Way(pause=0), most=self.most)
        self.courier = Courier(Fetcher(lambda: LOOPBACK), name, now=self.clock.now, pause=0, most=self.most)

    def terms(self) -> Terms:
        return Terms(self.console, "USD")

    def tell(self, *operators: str, webhook: Webhook | None = None) -> None:
        """Whom the tree names from now on."""
        self.console = Console(
            name=self.console.name,
            url=self.console.url,
            language=self.console.language,
            notifications=Notifications(operators=operators, webhook=webhook),
        )

    @asynccontextmanager
    async def delivered(self) -> AsyncGenerator[None]:
        """At the end everything that was sent has been handed over."""
        supervisor = Supervisor()
        supervisor.start(self.postman.run(), name="post", endless=True)
        supervisor.start(self.courier.run(), name="courier", endless=True)
        yield
        await self.postman.drain(10)
        await self.courier.drain(10)
        await supervisor.close()
