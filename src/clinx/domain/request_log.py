"""What happened in an exchange, for people: the value behind a row of the request log."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from clinx.domain.money import Amount
from clinx.domain.receipt import Receipt, read
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
    cause: str | None = None
    """Why it failed, in words for the operator (the vendor's, where it gave any), cut short and without keys."""


class Keeper(Struct, frozen=True, gc=False):
    """Who keeps an answer that can be asked about, or continued."""

    channel: str
    credential: str
    """Fingerprint of the credential it was made with."""
    model: str
    """The public model that it is of."""
    asked_model: str | None = None
    """The one that its caller asked for, before rules made another of it; None where that is not known."""


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
    """The public model that was served and priced."""
    channel: str | None
    upstream_model: str | None
    upstream_id: str | None
    """The id under which the upstream keeps the answer, where it does; else its own request id, for its support."""
    stream: bool
    usage: Usage
    charge: Amount
    quote: tuple[str, ...]
    """Why it cost that, line by line, as `clinx.domain.receipt` writes it."""
    attempts: tuple[Attempt, ...]
    seconds: float
    first_byte_seconds: float | None
    address: str | None
    cost: Amount | None = None
    """What we pay the vendor of the channel that answered; None where that is not known."""
    asked_model: str | None = None
    """The model the caller asked for, before rules made another of it; None where that is not known."""
    refused_by: str | None = None
    """The rule that refused it, if one did."""

    @property
    def receipt(self) -> Receipt | None:
        """Why it cost that, as far as it was written down; None where nothing was."""
        return read(self.quote, self.charge)

    @property
    def margin(self) -> Amount | None:
        """What is left of the charge; None where the cost is not known, which is not nothing."""
        return None if self.cost is None else self.charge - self.cost


class Logged(Struct, frozen=True, gc=False):
    """As much of a log as is needed to ask what would become of the request under another tree."""

    id: str
    at: int
    """Microseconds since 1970, in UTC."""
    dialect: str
    operation: str
    outcome: str
    user_id: int | None
    token_id: int | None
    group: str | None
    model: str | None
    """The model that was asked for; of rows that do not say, the one that was served."""
    channel: str | None
    stream: bool
    usage: Usage
    charge: int
    """In nano-units."""
    address: str | None
    refused_by: str | None = None
    """The rule that refused it; None where none did, and of rows that do not say."""
