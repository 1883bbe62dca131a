"""What an answer that is no success means: whose fault, how far it reaches, and how long to stay away.

An upstream's 401, 402, 403 and exhausted quota are the operator's business, never the caller's: the credential rests
and another is tried. A 400 and its like that the caller caused is passed on as it came, and so is a 403 or 429 that is
about the content. Everything else is the channel's: another one may do. An error inside a 200 is read by its type and
code, like any other.

Callers see our own sentences; what the vendor wrote is the private cause, without anything that looks like a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from clinx.dialects.base import UpstreamProblem
from clinx.domain.catalog import Channel
from clinx.errors import (
    GatewayError,
    UpstreamBroken,
    UpstreamMisconfigured,
    UpstreamOverloaded,
    UpstreamRefused,
    UpstreamTimeout,
)
from clinx.upstream.reply import Reply, outside_quotes
from clinx.upstream.response import UpstreamResponse
from clinx.upstream.retry_after import LONGEST, retry_after

CREDENTIAL_REST: Final = 60.0
"""Seconds a refused credential rests."""

DEFAULT_WAIT: Final = 1.0
"""Seconds to stay away from an overloaded upstream that does not say."""

_KEY_LIKE: Final = re.compile(r"[\w*+/=.-]{24,}", re.ASCII)
_LONGEST: Final = 300
_FAILED: Final = 400


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
    status: int | None = None
    """What was answered, as far as it is an answer that failed."""
    sent: bool = True
    """Whether anything was sent: only then it costs an attempt."""
    opens: bool = False
    """Whether the tree says that such an answer opens the circuit at once."""
    is_final: bool = False
    """Whether the tree says that nobody else is to be asked after such an answer."""
    is_neutral: bool = False
    """Whether it says nothing of the channel: callers could bring it about."""


class VendorSaid(Exception):
    """The private cause: what the upstream answered, for the operator."""

    def __init__(self, status: int, problem: UpstreamProblem) -> None:
        """Keep the status and the words, shortened and without what looks like a key."""
        words = (problem.type, problem.code, problem.message)
        text = " ".join(_KEY_LIKE.sub("…", word)[:_LONGEST] for word in words if word)
        super().__init__(f"status {status}: {text}" if text else f"status {status}")
        self.status = status


def cause_in_words(error: GatewayError) -> str:
    """Return why an attempt failed, for the operator: the private cause, as far as there is one, cut short."""
    cause = error.__cause__
    text = error.message if cause is None else str(cause) or type(cause).__name__
    return _KEY_LIKE.sub("…", text)[:_LONGEST]


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
    return failure if reply.code < _FAILED else replace(failure, status=reply.code, is_neutral=reply.is_neutral)


def inside(response: UpstreamResponse, problem: UpstreamProblem, channel: Channel, body: bytes = b"") -> Failure:
    """Say what an error means that came inside an answer that had begun as a success."""
    failure = classify(response.status, response.headers, problem, body, response.content_type)
    return by_rules(failure, problem, channel)


def by_rules(failure: Failure, problem: UpstreamProblem, channel: Channel) -> Failure:
    """Apply what a channel says of answers: which of them another channel is asked after, and which open its circuit.

    Args:
        failure: what the answer means by itself.
        problem: what its dialect read out of the body.
        channel: whose answer it is.
    """
    message = problem.message or ""
    wanted = channel.retry.wants(failure.status, message)
    # Where the request is at fault, a caller could be quoted with what opens a circuit for everybody.
    own_words = outside_quotes(message) if failure.scope is Scope.REQUEST else message
    opens = channel.circuit.open_on.fit(failure.status, own_words)
    if opens and failure.scope is Scope.REQUEST:
        # What opens a circuit is ours to mend, and no caller's to read.
        failure = replace(_credential_refused(failure), status=failure.status)
    scope = Scope.CHANNEL if wanted and failure.scope is Scope.REQUEST else failure.scope
    return replace(failure, scope=scope, opens=opens, is_final=wanted is False)


def _credential(reply: Reply) -> Failure:
    del reply
    return Failure(_misconfigured(), Scope.CREDENTIAL, CREDENTIAL_REST)


def _credential_refused(failure: Failure) -> Failure:
    error = _misconfigured()
    error.__cause__ = failure.error.__cause__
    return Failure(error, Scope.CREDENTIAL, CREDENTIAL_REST)


def _busy(reply: Reply) -> Failure:
    wait = retry_after(reply.headers, _said_inside(reply, DEFAULT_WAIT))
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
    wait = retry_after(reply.headers, _said_inside(reply, None))
    return Failure(_overloaded(wait), Scope.CHANNEL, wait)


def _said_inside(reply: Reply, default: float | None) -> float | None:
    """Return the wait that the body asks for; a header counts before it."""
    inside = reply.problem.retry_after
    return default if inside is None else min(inside, LONGEST)


def _broken() -> Failure:
    return Failure(UpstreamBroken("The provider of this model failed to answer."), Scope.CHANNEL, None)


def _misconfigured() -> UpstreamMisconfigured:
    return UpstreamMisconfigured("The provider of this model is not set up correctly; the operator has to act.")


def _overloaded(wait: float | None) -> UpstreamOverloaded:
    return UpstreamOverloaded("The provider of this model is overloaded; try again later.", retry_after=wait)


_Rule = tuple[Callable[[Reply], bool], Callable[[Reply], Failure]]

_RULES: Final[tuple[_Rule, ...]] = (
    (lambda reply: reply.is_about_content, _callers),
    (lambda reply: reply.is_about_credential, _credential),
    (lambda reply: reply.is_busy, _busy),
    (lambda reply: reply.is_about_address, _address),
    (lambda reply: reply.is_callers_fault, _callers),
    (lambda reply: reply.is_late, _late),
    (lambda reply: reply.is_come_back, _come_back),
)
"""The first rule that fits decides; what none fits is broken."""
