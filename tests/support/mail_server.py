"""A mail server on a loopback socket. What it answers is mutable; what it took is kept.

async with MailServer() as server:
    server.answers["RCPT"] = ["451 4.7.1 come back later"]      # to the first one; then all is well
    ...
    (received,) = server.received
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from clinx.domain.console import Mail, Security

TLS = Path(__file__).parents[1] / "upstream" / "tls"
USER, PASSWORD = "gateway", "mail-secret-of-nobody"


def authority() -> ssl.SSLContext:
    """Trusts the authority of the tests."""
    return ssl.create_default_context(cafile=TLS / "authority.pem")


def certificate(name: str) -> ssl.SSLContext:
    """What a server shows that is called so."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / f"{name}.pem")
    return context


@dataclass(frozen=True)
class Received:
    sender: str
    to: list[str]
    content: bytes
    is_protected: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.content, policy=policy.default)


@dataclass
class MailServer:
    security: Security = Security.NONE
    name: str = "localhost"
    """Of its certificate."""
    needs_login: bool = False
    answers: dict[str, list[str]] = field(default_factory=dict)
    """By command: what is said instead of yes, one after another."""
    silent_at: str | None = None
    """The command that it never answers."""
    hangs_up_at: str | None = None
    asked: list[str] = field(default_factory=list)
    """Commands that were handled."""
    received: list[Received] = field(default_factory=list)
    offered: list[bytes] = field(default_factory=list)
    """Contents, taken or not."""
    connections: int = 0
    port: int = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._protocols: list[SMTP] = []
        wrapped = certificate(self.name) if self.security is Security.TLS else None
        self._server = await loop.create_server(self._protocol, "127.0.0.1", 0, ssl=wrapped)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for protocol in self._protocols:
            if protocol.transport is not None:
                cast("asyncio.Transport", protocol.transport).abort()
        handlers = [task for each in self._protocols if (task := each._handler_coroutine) is not None]
        for task in handlers:
            task.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)  # What was aborted is closed by the loop.

    def mail(self, **changes: Any) -> Mail:
        """The configuration that leads here."""
        mail = Mail("127.0.0.1", self.port, "Example AI <no-reply@example.com>", self.security)
        return replace(mail, **({"user": USER, "password": PASSWORD} if self.needs_login else {}) | changes)

    def _protocol(self) -> SMTP:
        self.connections += 1
        starttls = self.security is Security.STARTTLS
        protocol = SMTP(
            _Handler(self),
            hostname="mail.test",
            tls_context=certificate(self.name) if starttls else None,
            require_starttls=starttls,
            auth_required=self.needs_login,
            auth_require_tls=starttls,
            authenticator=self._authenticate if self.needs_login else None,
        )
        self._protocols.append(protocol)
        return protocol

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False, auth_data=data.login.decode())


class _Handler:
    """What aiosmtpd asks at each command."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        answer = await self._say(server, "EHLO", "")
        return [answer] if answer else responses

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return await self._say(server, "MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._say(server, "RCPT", "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self._server.offered.append(cast("bytes", envelope.content))
        answer = await self._say(server, "DATA", "250 OK")
        if answer.startswith("2"):
            user = cast("str | None", session.auth_data)
            is_protected = server.transport is not None and server.transport.get_extra_info("sslcontext") is not None
            content = self._server.offered[-1]
            taken = Received(envelope.mail_from or "", list(envelope.rcpt_tos), content, is_protected, user)
            self._server.received.append(taken)
        return answer

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await self._say(server, "QUIT", "221 Bye")

    async def _say(self, server: SMTP, command: str, yes: str) -> str:
        self._server.asked.append(command)
        if self._server.hangs_up_at == command and server.transport is not None:
            cast("asyncio.Transport", server.transport).abort()
        if self._server.silent_at == command:
            await asyncio.Event().wait()
        answers = self._server.answers.get(command)
        return answers.pop(0) if answers else yes
