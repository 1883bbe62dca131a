"""Every failure a caller or an operator can meet, as one tree.

GatewayError                       code, status, message (safe to show), hint, param, retry_after; the cause is private
├── CallerError
│   ├── InvalidRequest             invalid_request        400
│   ├── UnsupportedEncoding        unsupported_encoding   415
│   ├── PayloadTooLarge            payload_too_large      413
│   ├── RequestTimeout             request_timeout        408
│   ├── Unauthenticated            unauthenticated        401
│   │   ├── TokenExpired           token_expired          401
│   │   └── TokenDisabled          token_disabled         401
│   ├── PermissionDenied           permission_denied      403
│   ├── ModelNotAllowed            model_not_allowed      403
│   ├── PolicyRefused              policy_refused         403
│   ├── UnsupportedByModel         unsupported_by_model   400
│   ├── ModelNotFound              model_not_found        404
│   ├── ResponseNotFound           response_not_found     404
│   ├── PreviousResponseNotFound   previous_response_not_found 400
│   ├── NoSuchEndpoint             no_such_endpoint       404
│   ├── MethodNotAllowed           method_not_allowed     405
│   ├── RateLimited                rate_limited           429
│   └── NotCovered
│       ├── InsufficientBalance    insufficient_balance   429
│       └── BudgetSpent            budget_spent           429
├── UpstreamError
│   ├── UpstreamRefused            upstream_refused       as the upstream said: the caller's fault, passed on
│   ├── UpstreamMisconfigured      upstream_misconfigured 502: our credential or address
│   ├── UpstreamOverloaded         upstream_overloaded    503
│   ├── UpstreamTimeout            upstream_timeout       504
│   ├── UpstreamBroken             upstream_broken        502: refused connection, 5xx, nonsense, a cut stream
│   └── NoChannel                  no_channel             503: the group offers the model, nothing can serve it now
├── BillingUnavailable             billing_unavailable    503
├── LimitsUnavailable              limits_unavailable     503
├── Overloaded                     overloaded             503
├── ShuttingDown                   shutting_down          503
├── ClientGone                     client_gone            499: nobody is left to read it; for logs and metrics
└── InternalError                  internal               500: everything unforeseen

Codes are stable: they are metric labels, log fields, GraphQL codes and headings in docs/errors.md.
`ConfigError` (a list of diagnostics) lives in `clinx.config`; it is never rendered to callers.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Self


class GatewayError(Exception):
    """A failure with a stable code; ``message`` and ``hint`` are safe to show to the caller."""

    code: ClassVar[str]
    status: ClassVar[int]
    rule: str | None = None
    """The operator's rule that says no, where one does: for logs, never shown as such."""

    def __init__(
        self, message: str, *, hint: str | None = None, param: str | None = None, retry_after: float | None = None
    ) -> None:
        """Keep what the caller may see; the private cause is chained with ``raise … from``."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param
        self.retry_after = retry_after

    @property
    def http_status(self) -> int:
        """The status to answer with; a dialect may still choose another for the same code."""
        return self.status

    def said_by(self, rule: str) -> Self:
        """Note which rule of the operator's says no."""
        self.rule = rule
        return self


class CallerError(GatewayError):
    """The caller can mend it."""


class InvalidRequest(CallerError):
    """The body or a parameter is not what the endpoint takes."""

    code = "invalid_request"
    status = 400


class UnsupportedEncoding(CallerError):
    """A Content-Encoding we do not decode."""

    code = "unsupported_encoding"
    status = 415


class PayloadTooLarge(CallerError):
    """The body exceeds ``server.max_body``."""

    code = "payload_too_large"
    status = 413


class RequestTimeout(CallerError):
    """The body did not arrive in time."""

    code = "request_timeout"
    status = 408


class Unauthenticated(CallerError):
    """No credential, or one we do not know."""

    code = "unauthenticated"
    status = 401


class TokenExpired(Unauthenticated):
    """The token's time is over."""

    code = "token_expired"


class TokenDisabled(Unauthenticated):
    """The token was revoked or disabled."""

    code = "token_disabled"


class PermissionDenied(CallerError):
    """Known, but not from here or not for this: address, disabled user."""

    code = "permission_denied"
    status = 403


class ModelNotAllowed(CallerError):
    """The token, or a rule that selects the caller, is restricted to other models."""

    code = "model_not_allowed"
    status = 403


class PolicyRefused(CallerError):
    """A rule of the operator's refuses the request; the message is the rule's own, or names it."""

    code = "policy_refused"
    status = 403


class UnsupportedByModel(CallerError):
    """No upstream of the model can be told all of the request."""

    code = "unsupported_by_model"
    status = 400


class ModelNotFound(CallerError):
    """The caller's group offers no such model."""

    code = "model_not_found"
    status = 404


class ResponseNotFound(CallerError):
    """Nobody keeps such an answer for the caller."""

    code = "response_not_found"
    status = 404


class PreviousResponseNotFound(CallerError):
    """Nobody keeps the answer that the caller wants to continue."""

    code = "previous_response_not_found"
    status = 400


class NoSuchEndpoint(CallerError):
    """Nothing answers at this path."""

    code = "no_such_endpoint"
    status = 404


class MethodNotAllowed(CallerError):
    """The path exists, the method does not."""

    code = "method_not_allowed"
    status = 405

    def __init__(self, message: str, *, allowed: frozenset[str]) -> None:
        """Keep the methods for the ``Allow`` header."""
        super().__init__(message)
        self.allowed = allowed


class RateLimited(CallerError):
    """A limit of requests, tokens, money or calls at a time is used up; ``retry_after`` says for how long."""

    code = "rate_limited"
    status = 429
    headers: Mapping[str, str] = MappingProxyType({})
    """For the answer: the limit in OpenAI's words, where it is one of requests."""


class NotCovered(CallerError):
    """What is left does not cover the hold."""

    status = 429
    available_nano: int | None = None
    """What could be held instead, for whoever asks again for less; never shown."""
    leased_elsewhere: bool = False
    """Whether other processes have leased of the same money, and might return some."""


class InsufficientBalance(NotCovered):
    """The user's balance does not cover the hold."""

    code = "insufficient_balance"


class BudgetSpent(NotCovered):
    """The token's budget does not cover the hold, or a rule's is spent for this period."""

    code = "budget_spent"


class UpstreamError(GatewayError):
    """The provider failed, or we failed to use it."""


class UpstreamRefused(UpstreamError):
    """The provider refused the caller's request as malformed; its own status and body are passed on."""

    code = "upstream_refused"
    status = 400

    def __init__(self, message: str, *, upstream_status: int, body: bytes, content_type: str) -> None:
        """Keep the provider's answer for a caller of the same dialect."""
        super().__init__(message)
        self.upstream_status = upstream_status
        self.body = body
        self.content_type = content_type

    @property
    def http_status(self) -> int:
        """The provider's own status: 400, 404, 413 and their like."""
        return self.upstream_status


class UpstreamMisconfigured(UpstreamError):
    """The provider refused our credential, address or account: the operator must act."""

    code = "upstream_misconfigured"
    status = 502


class UpstreamOverloaded(UpstreamError):
    """The provider asked us to come back later."""

    code = "upstream_overloaded"
    status = 503


class UpstreamTimeout(UpstreamError):
    """A deadline passed: connect, first byte, idle or total."""

    code = "upstream_timeout"
    status = 504


class UpstreamBroken(UpstreamError):
    """Connection refused or cut, 5xx, an unreadable answer, a stream without its end."""

    code = "upstream_broken"
    status = 502


class NoChannel(UpstreamError):
    """The model is offered, but no channel can serve it right now."""

    code = "no_channel"
    status = 503


class BillingUnavailable(GatewayError):
    """The ledger cannot be written; nothing is served unbilled."""

    code = "billing_unavailable"
    status = 503


class LimitsUnavailable(GatewayError):
    """A limit that must hold cannot be counted now."""

    code = "limits_unavailable"
    status = 503


class Overloaded(GatewayError):
    """This process has as much to do as it may."""

    code = "overloaded"
    status = 503


class ShuttingDown(GatewayError):
    """This process is going away."""

    code = "shutting_down"
    status = 503


class ClientGone(GatewayError):
    """The caller hung up before the answer was complete; never rendered, there is nobody to read it."""

    code = "client_gone"
    status = 499


class InternalError(GatewayError):
    """Everything unforeseen; the caller gets the request id and nothing else."""

    code = "internal"
    status = 500


def codes() -> frozenset[str]:
    """Return every stable code: what logs hold and callers are told."""
    found: set[str] = set()
    waiting: list[type[GatewayError]] = [GatewayError]
    while waiting:
        kind = waiting.pop()
        found.update({kind.code} if hasattr(kind, "code") else ())
        waiting.extend(kind.__subclasses__())
    return frozenset(found)
