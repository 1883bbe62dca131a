"""Handing an envelope to a mail server: one connection each, certificates verified, every wait bounded."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from dataclasses import dataclass
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPConnectError,
    SMTPException,
    SMTPRecipientsRefused,
    SMTPResponseException,
)

from clinx.domain.console import Mail, Security
from clinx.mail.envelope import Envelope
from clinx.mail.failures import MailFailed, Reason

_STATUS: Final = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
"""RFC 3463: the one part of an answer that is no prose."""


@dataclass(frozen=True, slots=True)
class Way:
    """How servers are spoken to."""

    context: ssl.SSLContext | None = None
    """What certificates are verified by; None is what this machine trusts."""
    step_seconds: float = 15.0
    """Most time for one answer."""
    seconds: float = 60.0
    """Most time for all of it."""
    pause: float = 5.0
    """Seconds before what failed for the moment only is tried once more."""


async def hand_over(mail: Mail, envelope: Envelope, way: Way) -> None:
    """Give an envelope to a server, which from then on is responsible for it.

    Raises:
        MailFailed: it did not take it, or nobody knows whether it did.
    """
    client = _client(mail, way)
    try:
        async with asyncio.timeout(way.seconds):
            await client.connect()
            await client.sendmail(envelope.sender, [envelope.to], envelope.content)
        await _leave(client, way)
    except (SMTPException, OSError, ValueError) as error:
        raise _failure(error) from error
    finally:
        client.close()


def _client(mail: Mail, way: Way) -> SMTP:
    return SMTP(
        hostname=mail.host,
        port=mail.port,
        username=mail.user,
        password=mail.password,
        local_hostname="localhost",  # The name of this machine is nobody's business, and looking it up may wait.
        timeout=way.step_seconds,
        use_tls=mail.security is Security.TLS,
        start_tls=mail.security is Security.STARTTLS,
        tls_context=way.context,
    )


async def _leave(client: SMTP, way: Way) -> None:
    """Take leave of a server that has the envelope: whatever it answers now changes nothing."""
    with contextlib.suppress(SMTPException, OSError):
        await client.quit(timeout=min(1.0, way.step_seconds))


def _failure(error: SMTPException | OSError | ValueError) -> MailFailed:
    """Say in one word what went wrong; a server's prose may hold addresses, and stays out of it."""
    match error:
        case SMTPRecipientsRefused():
            first = error.recipients[0]
            return MailFailed(Reason.REFUSED, code=first.code, status=_status(first.message))
        case SMTPResponseException():
            return MailFailed(Reason.REFUSED, code=error.code, status=_status(error.message))
        case _ if _is_about_tls(error):
            return MailFailed(Reason.UNPROTECTED)
        case SMTPConnectError():
            return MailFailed(Reason.UNREACHABLE)
        case TimeoutError():
            return MailFailed(Reason.TIMEOUT)
        case _:
            return MailFailed(Reason.BROKEN)


def _is_about_tls(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__
    return isinstance(error, SMTPException) and "STARTTLS" in str(error)


def _status(message: str) -> str | None:
    found = _STATUS.search(message)
    return found.group() if found else None
