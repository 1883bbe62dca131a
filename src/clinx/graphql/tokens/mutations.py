"""What is done about tokens: by their owners, and by operators for users whose role is below their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final

import strawberry

from clinx.accounts import tokens
from clinx.accounts.failures import TooMany
from clinx.accounts.tokens import Limits
from clinx.domain.identity import Role, Token
from clinx.graphql.audit import Change, changed
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Forbidden, Problem, Refusal, UserError, attempt, not_found
from clinx.graphql.ids import number_of
from clinx.graphql.once import once
from clinx.graphql.permissions import SIGNED_IN, Permission, over
from clinx.graphql.tokens.limits import TokenLimitsInput, limits_of, wanted
from clinx.graphql.tokens.types import KIND, TokenNode
from clinx.graphql.users.whose import REACHED, checked_version, either, owner, whose
from clinx.storage import token_lists
from clinx.storage import tokens as stored_tokens
from clinx.storage.token_lists import TokenFilter

MOST: Final = 1000
"""Tokens of one user."""


@strawberry.input(description="A new token.")
class TokenCreateInput:
    """A new token."""

    name: str = "default"
    limits: TokenLimitsInput | None = strawberry.field(default=None, description="Without it, there are none.")
    user: strawberry.ID | None = strawberry.field(default=None, description="Another's needs `token:write`.")
    idempotency_key: str = strawberry.field(description="One token for each: repeat it when an answer was lost.")


@strawberry.input(description="What is to become of a token; what is absent stays.")
class TokenUpdateInput:
    """What is to become of a token."""

    id: strawberry.ID
    expected_version: int | None = strawberry.field(default=None, description="Refused if it is another one by now.")
    name: str | None = strawberry.field(default=None, description="Null stays, too.")
    limits: TokenLimitsInput | None = None


@strawberry.input(description="Which token gets a new secret.")
class TokenRotateInput:
    """Which token."""

    id: strawberry.ID
    idempotency_key: str = strawberry.field(description="One new secret for each.")


@strawberry.input(description="Which token.")
class TokenInput:
    """Which token."""

    id: strawberry.ID
    expected_version: int | None = strawberry.field(default=None, description="Refused if it is another one by now.")


@strawberry.type(description="A token with its secret.")
class TokenSecretPayload:
    """A token with its secret."""

    token: TokenNode | None = None
    secret: str | None = strawberry.field(
        default=None, description="Shown now and never again; null when the key had done it before."
    )
    repeated: bool = strawberry.field(default=False, description="Whether the key had done it before.")
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="A token as it is now.")
class TokenPayload:
    """A token as it is now."""

    token: TokenNode | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.type(description="A token that is gone.")
class TokenDeletePayload:
    """A token that is gone."""

    id: strawberry.ID | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)
    change: strawberry.Private[Change | None] = None


@strawberry.type
class TokenMutation:
    """Mutations about tokens."""

    @strawberry.mutation(description="Make a token.")
    async def token_create(self, info: Info, input: TokenCreateInput) -> TokenSecretPayload:  # noqa: A002
        """Make it."""

        async def work() -> TokenSecretPayload:
            context = info.context
            user = await owner(context, whose(context, input.user, Permission.TOKEN_WRITE))
            limits = wanted(context, user, input.name, input.limits or TokenLimitsInput(), Limits())

            async def issue() -> tuple[str, str]:
                await _check_room(context, user.id)
                issued = await tokens.issue(context.services.database, user, input.name, at=context.now, limits=limits)
                return str(issued.token.id), issued.secret

            asked = {"user": user.id, "name": input.name, **_told_limits(limits)}
            number, secret = await once(context, "tokenCreate", input.idempotency_key, asked, issue)
            token = await _token(context, int(number))
            change = None if secret is None else changed(None, _told(token))
            return TokenSecretPayload(token=TokenNode.of(token), secret=secret, repeated=secret is None, change=change)

        return await attempt(lambda errors: TokenSecretPayload(errors=errors), work)

    @strawberry.mutation(description="Change a token's name and limits.")
    async def token_update(self, info: Info, input: TokenUpdateInput) -> TokenPayload:  # noqa: A002
        """Change them."""

        async def update(token: Token, version: int) -> Token:
            context = info.context
            user = await owner(context, token.user_id)
            renamed = token if input.name is None else replace(token, name=input.name)
            limits = wanted(context, user, renamed.name, input.limits or TokenLimitsInput(), limits_of(token))
            database, at = context.services.database, context.now
            return await tokens.restrict(database, renamed, limits, at=at, expected=version)

        return await _changed(info.context, input.id, input.expected_version, update)

    @strawberry.mutation(
        description="Give a token of one's own a new secret: the one of before is nothing from now on."
    )
    async def token_rotate(self, info: Info, input: TokenRotateInput) -> TokenSecretPayload:  # noqa: A002
        """Give it."""

        async def work() -> TokenSecretPayload:
            context = info.context
            token = await _to_change(context, input.id)
            _check_owner(context, token)

            async def rotate() -> tuple[str, str]:
                issued = await tokens.rotate(context.services.database, token, at=context.now)
                return str(token.id), issued.secret

            number, secret = await once(context, "tokenRotate", input.idempotency_key, token.id, rotate)
            after = await _token(context, int(number))
            change = changed({"hint": token.hint}, {"hint": after.hint})
            return TokenSecretPayload(token=TokenNode.of(after), secret=secret, repeated=secret is None, change=change)

        return await attempt(lambda errors: TokenSecretPayload(errors=errors), work)

    @strawberry.mutation(
        description="Disable a token: nothing is served for it from now on. Done by operators, it is stopped."
    )
    async def token_disable(self, info: Info, input: TokenInput) -> TokenPayload:  # noqa: A002
        """Stop it."""

        async def disable(token: Token, version: int) -> Token:
            context = info.context
            by_owner = token.user_id == context.signed_in.user.id
            return await tokens.disable(
                context.services.database, token, at=context.now, expected=version, by_owner=by_owner
            )

        return await _changed(info.context, input.id, input.expected_version, disable)

    @strawberry.mutation(description="Let a disabled token be used again; one that operators stopped, only they do.")
    async def token_enable(self, info: Info, input: TokenInput) -> TokenPayload:  # noqa: A002
        """Let it."""

        async def enable(token: Token, version: int) -> Token:
            _check_stopped(info.context, token)
            return await tokens.enable(info.context.services.database, token, at=info.context.now, expected=version)

        return await _changed(info.context, input.id, input.expected_version, enable)

    @strawberry.mutation(description="Remove a token for good; what it spent stays in the ledger.")
    async def token_delete(self, info: Info, input: TokenInput) -> TokenDeletePayload:  # noqa: A002
        """Remove it."""

        async def work() -> TokenDeletePayload:
            context = info.context
            token = await _to_change(context, input.id)
            checked_version(token.version, input.expected_version)
            await tokens.delete(context.services.database, token, at=context.now)
            return TokenDeletePayload(id=input.id, change=changed(_told(token), None))

        return await attempt(lambda errors: TokenDeletePayload(errors=errors), work)


async def _changed(
    context: Context, id_: strawberry.ID, expected: int | None, change: Callable[[Token, int], Awaitable[Token]]
) -> TokenPayload:
    """Change a token that whoever asks may change, if it is of the expected version."""

    async def work() -> TokenPayload:
        before = await _to_change(context, id_)
        after = await change(before, checked_version(before.version, expected))
        return TokenPayload(token=TokenNode.of(after), change=changed(_told(before), _told(after)))

    return await attempt(lambda errors: TokenPayload(errors=errors), work)


async def _to_change(context: Context, id_: strawberry.ID) -> Token:
    """Return a token that whoever asks may change; that of somebody else is not there.

    Raises:
        Problem: ``invalid_id``, ``not_found``, or ``role_too_low``.
    """
    token = await _token(context, number_of(id_, KIND))
    if token.user_id != context.signed_in.user.id:
        if not context.may(Permission.TOKEN_WRITE):
            raise not_found("token")
        await owner(context, token.user_id)
    return token


async def _token(context: Context, number: int) -> Token:
    stored = await stored_tokens.get(context.services.database, number)
    if stored is None:
        raise not_found("token")
    return stored.token


async def _check_room(context: Context, user_id: int) -> None:
    held = await token_lists.count(context.services.database, TokenFilter(user_id), most=MOST)
    if held >= MOST:
        raise TooMany("token", MOST)


def _check_owner(context: Context, token: Token) -> None:
    """Let only its owner have a token's secret made: whoever saw it could spend the owner's money.

    Raises:
        Refusal: ``forbidden``.
    """
    if token.user_id != context.signed_in.user.id:
        said = "A token's secret is for its owner alone: disable the token, or delete it."
        raise Refusal(said, Forbidden.code)


def _check_stopped(context: Context, token: Token) -> None:
    """Let pass unless an operator stopped the token, and its owner asks.

    Raises:
        Problem: ``token_stopped``.
    """
    user = context.signed_in.user
    if token.stopped and token.user_id == user.id and user.role is not Role.ROOT:
        raise Problem("token_stopped", "An operator stopped it: only operators let it be used again.", "id")


def _told(token: Token) -> dict[str, Any]:
    """Return what the audit log keeps of a token."""
    standing = {"status": token.status.value, "stopped": token.stopped}
    return {"name": token.name, "hint": token.hint, **standing, **_told_limits(limits_of(token))}


def _told_limits(limits: Limits) -> dict[str, Any]:
    return {
        "expires_at": None if limits.expires_at is None else limits.expires_at.isoformat(),
        "models": sorted(limits.models),
        "group": limits.group,
        "networks": [str(network) for network in limits.networks],
        "budget": None if limits.budget is None else str(limits.budget),
        "tags": limits.tags,
    }


ACCESS = {
    **over("TokenSecretPayload", REACHED, "token", "secret", "repeated", "errors"),
    **over("TokenPayload", REACHED, "token", "errors"),
    **over("TokenDeletePayload", REACHED, "id", "errors"),
    **over(
        "Mutation",
        either(Permission.TOKEN_WRITE),
        *("tokenCreate", "tokenUpdate", "tokenDisable", "tokenEnable", "tokenDelete"),
    ),
    **over("Mutation", SIGNED_IN, "tokenRotate"),
}
