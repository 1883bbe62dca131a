import logging
from typing import Any

import pytest
from graphql import GraphQLError
from strawberry.exceptions import MissingQueryError

from clinx.accounts.failures import VersionConflict
from clinx.errors import InvalidRequest
from clinx.graphql.errors import Forbidden, Problem, Refusal, SignInFirst, attempt, not_found, shown, user_error


def told(error: GraphQLError) -> tuple[str, dict[str, Any]]:
    found = shown(error, "req-1")
    return found.message, dict(found.extensions or {})


def raised(cause: Exception) -> GraphQLError:
    """A failure as the executor reports what a resolver raised."""
    return GraphQLError(str(cause), original_error=cause, path=["users", 0])


@pytest.mark.parametrize(
    ("error", "message", "extensions"),
    [
        (SignInFirst(), "Sign in first.", {"code": "unauthenticated"}),
        (raised(Forbidden()), "You may not do that.", {"code": "forbidden"}),
        (
            raised(Forbidden("user:read")),
            "You may not do that.",
            {"code": "forbidden", "parameters": {"permission": "user:read"}},
        ),
        (
            raised(not_found("user")),
            "There is no such user.",
            {"code": "not_found", "parameters": {"kind": "user"}},
        ),
        (raised(InvalidRequest("No.")), "No.", {"code": "invalid_request"}),
        (GraphQLError("Cannot query field 'a'."), "Cannot query field 'a'.", {"code": "invalid_request"}),
        (GraphQLError("x", original_error=GraphQLError("Int cannot be 'a'")), "x", {"code": "invalid_request"}),
        (GraphQLError("No 'a'. Did you mean 'b'?"), "No 'a'.", {"code": "invalid_request"}),
        (
            GraphQLError("", original_error=MissingQueryError()),
            "The document holds no operation, or none of that name.",
            {"code": "no_such_operation"},
        ),
    ],
)
def test_what_was_foreseen_is_shown_with_its_code(
    error: GraphQLError, message: str, extensions: dict[str, Any]
) -> None:
    assert told(error) == (message, extensions)


def test_a_refusal_that_was_wrapped_is_shown_all_the_same() -> None:
    inner = GraphQLError("wrapped", original_error=Refusal("Too large.", "page_too_large", most=100))

    assert told(GraphQLError("wrapped twice", original_error=inner)) == (
        "Too large.",
        {"code": "page_too_large", "parameters": {"most": 100}},
    )


@pytest.mark.parametrize(
    "cause", [KeyError("secret-of-ours"), GraphQLError("secret-of-ours"), TypeError("secret-of-ours")]
)
def test_what_nobody_foresaw_is_masked_and_logged(cause: Exception, caplog: pytest.LogCaptureFixture) -> None:
    message, extensions = told(raised(cause))

    assert (message, extensions) == ("Something went wrong on our side.", {"code": "internal", "requestId": "req-1"})
    [record] = caplog.records
    assert (record.levelno, record.message) == (logging.ERROR, "graphql.failed")
    assert (record.id, record.path) == ("req-1", ["users", 0])  # pyright: ignore[reportAttributeAccessIssue]


def test_what_is_shown_stands_where_it_happened() -> None:
    assert shown(raised(not_found("user")), "req-1").formatted.get("path") == ["users", 0]


async def test_an_expected_failure_becomes_a_payload() -> None:
    async def work() -> list[Any]:
        raise Problem("name_taken", "That name is taken.", "input", "name", name="ann", most=5)

    [error] = await attempt(lambda errors: errors, work)

    assert (error.code, error.message, error.path) == ("name_taken", "That name is taken.", ["input", "name"])
    assert [(each.name, each.value) for each in error.parameters] == [("name", "ann"), ("most", "5")]


async def test_a_defect_does_not() -> None:
    async def work() -> list[Any]:
        raise KeyError("ours")

    with pytest.raises(KeyError):
        await attempt(lambda errors: errors, work)


def test_the_parameters_of_accounts_are_told_as_well() -> None:
    error = user_error(VersionConflict("this was changed", expected=1, current=2))

    assert error.code == "version_conflict"
    assert {each.name: each.value for each in error.parameters} == {"expected": "1", "current": "2"}
