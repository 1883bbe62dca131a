"""What happened in an exchange, for people: the value behind a row of the request log."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from clinx.domain.money import Amount
from clinx.domain.usage import Usage


class Attempt(Struct, frozen=True, gc=False):
    """One try against one channel."""

    channel: str
    credential: str
    """Fingerprint of the credential, never the secret."""
    upstream_model: str
    outcome: str
    """``ok`` or the code of the failure (`clinx.errors`)."""
    status: int | None
    seconds: float


class RequestLog(Struct, frozen=True):
    """One exchange, finished. Money never depends on it; it is trimmed by age."""

    id: str
    at: datetime
    revision: str
    dialect: str
    operation: str
    outcome: str
    """``ok`` or a stable error code."""
    status: int
    """The HTTP status the caller saw."""
    user_id: int | None
    token_id: int | None
    group: str | None
    model: str | None
    channel: str | None
    upstream_model: str | None
    upstream_id: str | None
    """The upstream's own request id, for its support."""
    stream: bool
    usage: Usage
    charge: Amount
    quote: tuple[str, ...]
    """The quote's lines, written out: why it cost that."""
    attempts: tuple[Attempt, ...]
    seconds: float
    first_byte_seconds: float | None
    address: str | None
