"""Failures of the console: expected ones in a mutation's payload, the rest at the top with a stable code.

A client acts on ``code`` and ``parameters``; ``message`` is for developers. Nothing internal is ever shown: what was
not foreseen is `internal` with the id of the request, and is logged.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, TypeVar

import strawberry
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError
from strawberry.schema.exceptions import CannotGetOperationTypeError

from clinx.accounts.failures import AccountError, Several
from clinx.billing.failures import MoneyRefused
from clinx.errors import GatewayError
from clinx.graphql import unreadable

log = logging.getLogger("clinx.graphql")


class Refusal(GraphQLError):
    """A failure at the top of an answer, safe to show."""

    code: str = "invalid_request"

    def __init__(self, message: str, code: str | None = None, **parameters: str | int | None) -> None:
        """Keep the code, and what a client needs to word it."""
        given = {name: value for name, value in parameters.items() if value is not None}
        extensions: dict[str, Any] = {"code": code or self.code}
        super().__init__(message, extensions={**extensions, "parameters": given} if given else extensions)


class SignInFirst(Refusal):
    """Nobody has signed in."""

    code = "unauthenticated"

    def __init__(self, *, ended: bool = False) -> None:
        """Say so, and whether somebody had: their session is over."""
        said = "Sign in again: the session is over." if ended else "Sign in first."
        super().__init__(said, session="ended" if ended else None)


class Forbidden(Refusal):
    """Whoever has signed in may not."""

    code = "forbidden"

    def __init__(self, permission: str | None = None) -> None:
        """Say which permission is missing, when one would do."""
        super().__init__("You may not do that.", permission=None if permission is None else str(permission))


class InPerson(Refusal):
    """Nobody may by an access key, whatever it holds: somebody has to sign in for it."""

    code = "session_required"

    def __init__(self) -> None:
        """Say so."""
        super().__init__("Not by an access key: sign in for this.")


class Problem(Exception):
    """An expected failure of a mutation."""

    def __init__(self, code: str, message: str, *path: str, **parameters: str | int) -> None:
        """Keep the code, the path of the input it is about, and what a client needs to word it."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path
        self.parameters = parameters


def not_found(kind: str) -> Problem:
    """Return the failure for what is not there, or is not the viewer's: the two are not told apart."""
    return Problem("not_found", f"There is no such {kind}.", "id", kind=kind)


@strawberry.type(description="Something that belongs into the words of a failure.")
class ErrorParameter:
    """Something that belongs into the words of a failure."""

    name: str
    value: str


@strawberry.type(description="An expected failure of a mutation.")
class UserError:
    """An expected failure."""

    code: str = strawberry.field(description="Stable: act on this.")
    message: str = strawberry.field(description="For developers, in English.")
    path: list[str] = strawberry.field(description="Which part of the input it is about; empty for all of it.")
    parameters: list[ErrorParameter] = strawberry.field(description="What belongs into the words of it.")


P = TypeVar("P")


async def attempt(failed: Callable[[list[UserError]], P], work: Callable[[], Awaitable[P]]) -> P:
    """Do the work of a mutation; an expected failure becomes a payload with errors."""
    try:
        return await work()
    except Several as error:
        return failed(list(map(user_error, error.found)))
    except (Problem, AccountError, MoneyRefused, GatewayError) as error:
        return failed([user_error(error)])


def user_error(error: Exception) -> UserError:
    """Return what a client is told of an expected failure."""
    code: str = getattr(error, "code", "invalid_request")
    path: Sequence[str] = getattr(error, "path", ())
    parameters: Mapping[str, Any] = getattr(error, "parameters", {})
    retry_after = getattr(error, "retry_after", None)
    given = {**parameters, **({} if retry_after is None else {"retry_after": int(retry_after)})}
    shown = [ErrorParameter(name=name, value=str(value)) for name, value in given.items()]
    message = str(getattr(error, "message", None) or error)
    return UserError(code=code, message=message, path=list(path), parameters=shown)


_FORESEEN: Final = (Refusal,)
_NO_OPERATION: Final = (MissingQueryError, CannotGetOperationTypeError)


def shown(error: GraphQLError, request_id: str) -> GraphQLError:
    """Return what a client sees of a failure at the top; what nobody foresaw is logged and masked."""
    cause = _cause(error)
    if isinstance(error, _FORESEEN) or (cause is None and error.extensions):
        return error
    if (said := _said(cause, error)) is not None:
        message, extensions = said
        return _told(error, message, extensions)
    log.error("graphql.failed", exc_info=cause, extra={"id": request_id, "path": list(error.path or ())})
    return _told(error, "Something went wrong on our side.", {"code": "internal", "requestId": request_id})


def _said(cause: Exception | None, error: GraphQLError) -> tuple[str, Mapping[str, Any]] | None:
    """Return the words and the extensions of a failure that somebody foresaw."""
    if isinstance(cause, Refusal):
        return cause.message, {**(cause.extensions or {}), **_placed(error)}
    if isinstance(cause, Problem | AccountError | MoneyRefused | GatewayError):
        told = user_error(cause)
        given = {each.name: each.value for each in told.parameters}
        return told.message, {"code": told.code, **({"parameters": given} if given else {})}
    if isinstance(cause, _NO_OPERATION):
        return "The document holds no operation, or none of that name.", {"code": "no_such_operation"}
    if cause is None or (isinstance(cause, GraphQLError) and error.path is None):
        return error.message.partition(" Did you mean")[0], {"code": "invalid_request", **_placed(error)}
    return None


def _placed(error: GraphQLError) -> dict[str, Any]:
    path = unreadable.place(error)
    return {"path": path} if path else {}


def _cause(error: GraphQLError) -> Exception | None:
    """Return what lies behind a failure, however often it was wrapped."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _told(error: GraphQLError, message: str, extensions: Mapping[str, Any]) -> GraphQLError:
    return GraphQLError(message, nodes=error.nodes, source=error.source, path=error.path, extensions=dict(extensions))
