"""What an answer that is no success means: whose fault, how far it reaches, and how long to stay away.

An upstream's 401, 402, 403 and exhausted quota are the operator's business, never the caller's: the credential rests
and another is tried. A 400 and its like that the caller caused is passed on as it came. Everything else is the
channel's: another one may do. An error inside a 200 is read by its type and code, like any other.

Callers see our own sentences; what the vendor wrote is the private cause, without anything that looks like a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from clinx.dialects.base import UpstreamProblem
from clinx.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.upstream.reply import Reply
from clinx.upstream.retry_after import retry_after

CREDENTIAL_REST: Final = 60.0
"""Seconds a refused credential rests."""

DEFAULT_WAIT: Final = 1.0
"""Seconds to stay away from an overloaded upstream that does not say."""

_KEY_LIKE: Final = re.compile(r"[\w*+/=.-]{24,}", re.ASCII)
_LONGEST: Final = 300


class Scope(StrEnum):
    """How far a failure reaches, and so what may be tried next."""

    REQUEST = "request"
    """Nobody else would take it either: no second attempt."""
    CREDENTIAL = "credential"
    """Another credential, or another channel."""
    CHANNEL = "channel"
    """Another channel."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt."""

    error: GatewayError
    scope: Scope
    retry_after: float | None
    """Seconds to leave the credential alone; None when waiting changes nothing. What callers are told is in `error`."""


class VendorSaid(Exception):
    """The private cause: what the upstream answered, for the operator."""

    def __init__(self, status: int, problem: UpstreamProblem) -> None:
        """Keep the status and the words, shortened and without what looks like a key."""
        words = (problem.type, problem.code, problem.message)
        text = " ".join(_KEY_LIKE.sub("…", word)[:_LONGEST] for word in words if word)
        super().__init__(f"status {status}: {text}" if text else f"status {status}")
        self.status = status


def classify(
    status: int, headers: Mapping[str, str], problem: UpstreamProblem, body: bytes, content_type: str
) -> Failure:
    """Say what an answer means that is not a success, or is a 2xx with an error inside.

    Args:
        status: the upstream's HTTP status.
        headers: its headers, case-insensitive.
        problem: what its dialect reads out of the body.
        body: the body itself, passed on when the caller is at fault.
        content_type: the body's media type.
    """
    reply = Reply(status, headers, problem, body, content_type)
    failure = next((outcome(reply) for fits, outcome in _RULES if fits(reply)), None) or _broken()
    failure.error.__cause__ = VendorSaid(status, problem)
    return failure


def _credential(reply: Reply) -> Failure:
    del reply
    return Failure(_misconfigured(), Scope.CREDENTIAL, CREDENTIAL_REST)


def _busy(reply: Reply) -> Failure:
    wait = retry_after(reply.headers, DEFAULT_WAIT)
    return Failure(_overloaded(wait), Scope.CREDENTIAL, wait)


def _address(reply: Reply) -> Failure:
    del reply
    return Failure(_misconfigured(), Scope.CHANNEL, None)


def _callers(reply: Reply) -> Failure:
    error = UpstreamRefused(
        "The provider of this model refused the request.",
        upstream_status=reply.passed_on_status,
        body=reply.body,
        content_type=reply.content_type,
    )
    return Failure(error, Scope.REQUEST, None)


def _late(reply: Reply) -> Failure:
    del reply
    return Failure(UpstreamTimeout("The provider of this model did not answer in time."), Scope.CHANNEL, None)


def _come_back(reply: Reply) -> Failure:
    wait = retry_after(reply.headers, None)
    return Failure(_overloaded(wait), Scope.CHANNEL, wait)


def _broken() -> Failure:
    return Failure(UpstreamBroken("The provider of this model failed to answer."), Scope.CHANNEL, None)


def _misconfigured() -> UpstreamMisconfigured:
    return UpstreamMisconfigured("The provider of this model is not set up correctly; the operator has to act.")


def _overloaded(wait: float | None) -> UpstreamOverloaded:
    return UpstreamOverloaded("The provider of this model is overloaded; try again later.", retry_after=wait)


_Rule = tuple[Callable[[Reply], bool], Callable[[Reply], Failure]]

_RULES: Final[tuple[_Rule, ...]] = (
    (lambda reply: reply.is_about_credential, _credential),
    (lambda reply: reply.is_busy, _busy),
    (lambda reply: reply.is_about_address, _address),
    (lambda reply: reply.is_callers_fault, _callers),
    (lambda reply: reply.is_late, _late),
    (lambda reply: reply.is_come_back, _come_back),
)
"""The first rule that fits decides; what none fits is broken."""
