"""Takes letters at once and hands them over in its own time: no request waits for a mail server.

What waits is lost with the process, and a letter that a server refuses is not kept: every letter is about something
that can be asked for again, or is shown in the console as well.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Final

from clinx.domain.console import Mail
from clinx.domain.letter import Letter
from clinx.mail import catalogue
from clinx.mail.address import sender
from clinx.mail.envelope import Envelope, seal
from clinx.mail.failures import MailFailed, Reason
from clinx.mail.outbox import Outbox
from clinx.mail.smtp import Way, hand_over

log = logging.getLogger("clinx.mail")

MOST: Final = 500
"""Letters that may wait."""

_DEFAULT_WAY: Final = Way()


def _silent(_: str) -> None:
    """Count nothing."""


class Postman:
    """Sends e-mails by the server that the tree names at the time."""

    def __init__(
        self,
        mail: Callable[[], Mail | None],
        service: Callable[[], str],
        *,
        now: Callable[[], datetime],
        way: Way = _DEFAULT_WAY,
        most: int = MOST,
        count: Callable[[str], None] = _silent,
    ) -> None:
        """Take what is asked for the server and for the service's name.

        Args:
            mail: returns the server that the tree names, None where it names none.
            service: returns what the service is called.
            now: the clock.
            way: how servers are spoken to.
            most: letters that may wait.
            count: is told how each letter that was to be sent ended: ``sent``, ``failed`` or ``dropped``.
        """
        self._mail = mail
        self._service = service
        self._now = now
        self._way = way
        self._count = count
        self._outbox = Outbox[Letter](self._attempt, most=most)

    @property
    def is_offered(self) -> bool:
        """Whether there is a server to send by."""
        return self._mail() is not None

    @property
    def room(self) -> int:
        """How many letters it takes now before it drops one."""
        return self._outbox.room

    async def send(self, letter: Letter) -> None:
        """Take a letter and return; one too many is dropped, with a line in the log.

        Raises:
            ValueError: there is no such template, or a value is missing.
        """
        catalogue.check(letter)
        if not self._outbox.put(letter):
            self._drop(letter, Reason.FULL)

    async def deliver(self, letter: Letter) -> None:
        """Hand a letter over now; what fails for the moment only is tried once more.

        Raises:
            MailFailed: no server took it.
            ValueError: there is no such template, or a value is missing.
        """
        if (mail := self._mail()) is None:
            raise MailFailed(Reason.NOT_CONFIGURED)
        envelope = self._seal(mail, letter)
        try:
            await hand_over(mail, envelope, self._way)
        except MailFailed as error:
            if not error.is_temporary:
                raise
            await asyncio.sleep(self._way.pause)
            await hand_over(mail, envelope, self._way)

    async def run(self) -> None:
        """Hand over what waits, until cancelled. Several may run at once."""
        await self._outbox.run()

    async def drain(self, seconds: float) -> None:
        """Let those who `run` finish what waits, for at most so long."""
        await self._outbox.drain(seconds)

    def _seal(self, mail: Mail, letter: Letter) -> Envelope:
        writing = catalogue.compose(letter, self._service())
        try:
            return seal(writing, letter.to, sender(mail.sender), at=self._now(), id_=secrets.token_hex(16))
        except ValueError as error:
            raise MailFailed(Reason.ADDRESS) from error

    async def _attempt(self, letter: Letter) -> None:
        try:
            await self.deliver(letter)
        except MailFailed as error:
            if error.reason is Reason.NOT_CONFIGURED:
                self._drop(letter, error.reason)
                return
            fields = {"template": letter.template, "reason": error.reason.value}
            log.warning("mail.failed", extra={**fields, "code": error.code, "status": error.status})
            self._count("failed")
        else:
            log.info("mail.sent", extra={"template": letter.template})
            self._count("sent")

    def _drop(self, letter: Letter, reason: Reason) -> None:
        log.warning("mail.dropped", extra={"template": letter.template, "reason": reason.value})
        self._count("dropped")
