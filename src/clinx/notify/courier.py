"""Posts news to webhooks: signed, to public addresses only, never redirected, tried twice at most."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

import msgspec

from clinx.domain.console import Language, Webhook
from clinx.domain.letter import Letter
from clinx.mail import catalogue
from clinx.mail.outbox import Outbox
from clinx.mail.template import LONGEST_VALUE
from clinx.notify.addresses import is_usable
from clinx.notify.news import News
from clinx.notify.signature import sign
from clinx.storage.codec import clean
from clinx.upstream.egress import EgressRefused

log = logging.getLogger("clinx.notify")

MOST: Final = 500
"""Parcels that may wait."""
PAUSE_SECONDS: Final = 5.0
"""Before the one retry of what failed for the moment only."""


def _silent(_: str) -> None:
    """Count nothing."""


class Fetch(Protocol):
    """Asks a server something; see `clinx.upstream.fetch.Fetcher`."""

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Return the status and the body of the answer; a redirect is not followed.

        Raises:
            OSError: there is none, or the address may not be reached (`EgressRefused`).
        """
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """News for a webhook."""

    hook: Webhook
    news: News
    language: Language
    """Of its title and text."""


class Trouble(StrEnum):
    """Why a webhook did not get it, in one word, for logs."""

    ADDRESS = "address"
    """It is not one that is posted to."""
    FORBIDDEN = "forbidden"
    """It leads where nobody may be sent."""
    UNREACHABLE = "unreachable"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    """It said no; there is a status."""
    FULL = "full"
    """More wait already than may."""
    SEALED = "sealed"
    """What it is was written under another key."""


class WebhookFailed(Exception):
    """A webhook did not take it. Says nothing of where it is: the address itself may be a secret."""

    def __init__(self, trouble: Trouble, *, status: int | None = None) -> None:
        """Keep the reason, and the status where there was an answer."""
        super().__init__(trouble.value if status is None else f"{trouble.value} ({status})")
        self.trouble = trouble
        self.status = status

    @property
    def is_temporary(self) -> bool:
        """Whether it may work in a moment."""
        if self.status is not None:
            return self.status >= 500 or self.status == 429  # noqa: PLR2004  (the server's own trouble, or too many)
        return self.trouble is Trouble.UNREACHABLE


class Courier:
    """Takes parcels at once and delivers them in its own time."""

    def __init__(
        self,
        fetch: Fetch,
        service: Callable[[], str],
        *,
        now: Callable[[], datetime],
        pause: float = PAUSE_SECONDS,
        most: int = MOST,
        count: Callable[[str], None] = _silent,
    ) -> None:
        """Take what asks, what is asked for the service's name, and what is told ``sent`` or ``failed`` of each."""
        self._fetch = fetch
        self._service = service
        self._now = now
        self._pause = pause
        self._count = count
        self._outbox = Outbox[Parcel](self._attempt, most=most)

    @property
    def room(self) -> int:
        """How many parcels it takes now before it drops one."""
        return self._outbox.room

    def send(self, parcel: Parcel) -> None:
        """Take a parcel; one too many is dropped, with a line in the log."""
        if not self._outbox.put(parcel):
            self.fail(parcel.news, WebhookFailed(Trouble.FULL))

    async def deliver(self, parcel: Parcel) -> None:
        """Post a parcel now; what fails for the moment only is tried once more, under the same id.

        Raises:
            WebhookFailed: the webhook did not take it.
        """
        if not is_usable(parcel.hook.url):
            raise WebhookFailed(Trouble.ADDRESS)
        id_, at = f"ntc_{secrets.token_hex(12)}", self._now()
        body = self._body(parcel, id_, at)
        headers = {
            "Content-Type": "application/json",
            "X-Clinx-Event": parcel.news.kind,
            "X-Clinx-Delivery": id_,
            **sign(parcel.hook.secret, body, int(at.timestamp())),
        }
        try:
            await self._post(parcel.hook.url, headers, body)
        except WebhookFailed as error:
            if not error.is_temporary:
                raise
            await asyncio.sleep(self._pause)
            await self._post(parcel.hook.url, headers, body)

    async def run(self) -> None:
        """Deliver what waits, until cancelled. Several may run at once."""
        await self._outbox.run()

    async def drain(self, seconds: float) -> None:
        """Let those who `run` finish what waits, for at most so long."""
        await self._outbox.drain(seconds)

    def fail(self, news: News, error: WebhookFailed) -> None:
        """Log and count that a webhook did not get it."""
        log.warning("webhook.failed", extra={"kind": news.kind, "reason": error.trouble.value, "status": error.status})
        self._count("failed")

    def _body(self, parcel: Parcel, id_: str, at: datetime) -> bytes:
        news = parcel.news
        writing = catalogue.compose(Letter("", news.kind, parcel.language, news.values), self._service())
        return msgspec.json.encode(
            {
                "id": id_,
                "type": news.kind,
                "title": writing.subject,
                "content": writing.text,
                "timestamp": int(at.timestamp()),
                "details": {name: clean(value, LONGEST_VALUE) for name, value in news.values.items()},
            }
        )

    async def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        try:
            status, _ = await self._fetch("POST", url, headers, body)
        except EgressRefused as error:
            raise WebhookFailed(Trouble.FORBIDDEN) from error
        except OSError as error:
            raise WebhookFailed(Trouble.UNREACHABLE) from error
        if 300 <= status < 400:  # noqa: PLR2004  (go elsewhere)
            raise WebhookFailed(Trouble.REDIRECTED, status=status)
        if not 200 <= status < 300:  # noqa: PLR2004  (all is well)
            raise WebhookFailed(Trouble.REFUSED, status=status)

    async def _attempt(self, parcel: Parcel) -> None:
        try:
            await self.deliver(parcel)
        except WebhookFailed as error:
            self.fail(parcel.news, error)
        else:
            log.info("webhook.sent", extra={"kind": parcel.news.kind})
            self._count("sent")
