"""What somebody wants of a token, read and judged: a token's rights never exceed its owner's.

A group is a right. Users may name their own, which is the same as none: the token follows them to whatever group they
are put in. Another one is given by an operator, and stays when the owner changes the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

import strawberry
from strawberry import UNSET

from clinx.accounts.failures import TokenInvalid
from clinx.accounts.faults import Faults
from clinx.accounts.tokens import Limits, check, parse_networks
from clinx.domain.identity import Token, User
from clinx.domain.money import Amount
from clinx.graphql.context import Context
from clinx.graphql.errors import Problem
from clinx.graphql.permissions import Permission

MOST_ITEMS: Final = 1000
"""Models, networks and tags of one token."""
LONGEST_MODEL: Final = 255
LONGEST_TAG: Final = 64


@strawberry.input(description="A tag.")
class TagInput:
    """A tag."""

    name: str
    value: str


@strawberry.input(description="What a token is restricted to. What is absent stays; null takes the limit away.")
class TokenLimitsInput:
    """What a token is restricted to."""

    expires_at: datetime | None = UNSET
    models: list[str] | None = strawberry.field(default=UNSET, description="Empty is all that the group offers.")
    group: str | None = strawberry.field(default=UNSET, description="Another than the owner's needs `token:write`.")
    networks: list[str] | None = strawberry.field(default=UNSET, description="Addresses, or ranges in CIDR.")
    budget: Amount | None = strawberry.field(default=UNSET, description="The most it may ever spend.")
    tags: list[TagInput] | None = UNSET


def limits_of(token: Token) -> Limits:
    """Return what a token is restricted to."""
    return Limits(token.expires_at, token.models, token.group, token.networks, token.budget, dict(token.tags))


def wanted(context: Context, owner: User, name: str, asked: TokenLimitsInput, kept: Limits) -> Limits:
    """Return what a token is to be restricted to. Whatever is wrong with it and with its name is told at once.

    Args:
        context: of the operation.
        owner: whose token it is.
        name: what it is to be called.
        asked: what is to change.
        kept: what is restricted now.

    Raises:
        Problem: ``group_unknown`` or ``group_not_yours``.
        TokenInvalid: a model, a network or a tag is none; `Several`, if more is wrong.
    """
    changes: dict[str, Any] = {}
    if asked.group is not UNSET and asked.group != kept.group:
        changes["group"] = _group(context, owner, asked.group)
    if asked.expires_at is not UNSET:
        changes["expires_at"] = asked.expires_at
    if asked.budget is not UNSET:
        changes["budget"] = asked.budget
    faults = Faults()
    if asked.models is not UNSET:
        changes["models"] = faults.judged(partial(_models, asked.models or ()), frozenset())
    if asked.networks is not UNSET:
        changes["networks"] = faults.judged(partial(_networks, asked.networks or ()), ())
    if asked.tags is not UNSET:
        changes["tags"] = faults.judged(partial(_tags, asked.tags or ()), {})
    limits = replace(kept, **changes)
    if faults.found:  # Otherwise it is checked where it is done: what was done already may be asked for again.
        faults.judged(partial(check, name, limits, context.now), None)
    faults.refuse()
    return limits


def _group(context: Context, owner: User, group: str | None) -> str | None:
    if group is None or group == owner.group:
        return None
    if not context.may(Permission.TOKEN_WRITE):
        raise Problem("group_not_yours", "Only operators give a token another group than its owner's.", "group")
    if group not in context.snapshot.groups:
        raise Problem("group_unknown", "The tree has no such group.", "group")
    return group


def _models(models: Sequence[str]) -> frozenset[str]:
    if len(models) > MOST_ITEMS or not all(_is_word(model, LONGEST_MODEL) for model in models):
        message = f"at most {MOST_ITEMS} models, of 1 to {LONGEST_MODEL} printable characters"
        raise TokenInvalid(message, what="models", most=MOST_ITEMS)
    return frozenset(models)


def _networks(networks: Sequence[str]) -> tuple[Any, ...]:
    if len(networks) > MOST_ITEMS:
        raise TokenInvalid(f"at most {MOST_ITEMS} networks", what="networks", most=MOST_ITEMS)
    try:
        return tuple(dict.fromkeys(parse_networks(networks)))
    except TokenInvalid as error:
        raise TokenInvalid(str(error)[:LONGEST_MODEL], what="networks") from error


def _tags(tags: Sequence[TagInput]) -> dict[str, str]:
    named = {tag.name: tag.value for tag in tags}
    good = all(_is_word(name, LONGEST_TAG) and _is_word(value, LONGEST_TAG) for name, value in named.items())
    if len(tags) > MOST_ITEMS or len(named) < len(tags) or not good:
        raise TokenInvalid(
            f"at most {MOST_ITEMS} tags, each name once, of 1 to {LONGEST_TAG} printable characters", what="tags"
        )
    return named


def _is_word(text: str, most: int) -> bool:
    return 1 <= len(text) <= most and text.isprintable()
