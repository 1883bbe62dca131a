"""Why an e-mail was not handed over."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """In one word, for logs."""

    NOT_CONFIGURED = "not_configured"
    """The tree names no server."""
    FULL = "full"
    """More wait already than may."""
    ADDRESS = "address"
    """What it was to go to, or comes from, is no address."""
    UNREACHABLE = "unreachable"
    UNPROTECTED = "unprotected"
    """No TLS, or a certificate that proves nothing."""
    TIMEOUT = "timeout"
    REFUSED = "refused"
    """The server said no; there is a code."""
    BROKEN = "broken"
    """The server hung up, or does not speak as expected."""


class MailFailed(Exception):
    """A server did not take an e-mail. Says nothing of what was in it, or of whom it was for."""

    def __init__(self, reason: Reason, *, code: int | None = None, status: str | None = None) -> None:
        """Keep the reason, and the server's code (``550``) and status (``5.7.1``) where it gave them."""
        said = " ".join(str(part) for part in (code, status) if part)
        super().__init__(f"{reason.value} ({said})" if said else reason.value)
        self.reason = reason
        self.code = code
        self.status = status

    @property
    def is_temporary(self) -> bool:
        """Whether it may work in a moment, and cannot have worked already."""
        if self.code is not None:
            return 400 <= self.code < 500  # noqa: PLR2004  (temporary, by RFC 5321)
        return self.reason is Reason.UNREACHABLE
