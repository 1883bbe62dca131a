"""Which groups somebody may look at the catalogue as: their own, those of their tokens, or all for operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from clinx.config.effects import models_of
from clinx.config.snapshot import Snapshot
from clinx.domain.catalog import Group, Model
from clinx.domain.identity import Status, Token
from clinx.graphql.context import Context
from clinx.graphql.errors import Forbidden, Refusal, SignInFirst
from clinx.graphql.permissions import Permission
from clinx.routing.plan import expand
from clinx.storage import tokens


async def groups_seen(context: Context) -> Sequence[str]:
    """Return the groups whose models and prices whoever asks may see, their own first.

    Raises:
        SignInFirst: they have not signed in, and prices are not public.
        Forbidden: an access key that may not even see what is its owner's.
    """
    snapshot, viewer = context.snapshot, context.viewer
    if viewer is None:
        if not snapshot.console.public_prices:
            raise SignInFirst
        return _known(snapshot, [snapshot.console.registration.group])
    if context.may(Permission.CONFIG_READ):
        return _known(snapshot, [viewer.user.group, *sorted(snapshot.groups)])
    if Permission.SELF_READ not in viewer.permissions:
        raise Forbidden(Permission.SELF_READ)
    owned = await tokens.of_user(context.services.database, viewer.user.id)
    named = sorted(each.group for each in owned if each.group is not None and _is_usable(each, context.now))
    return _known(snapshot, [viewer.user.group, *named])


async def group_seen(context: Context, wish: str | None) -> Group | None:
    """Return the group to look as: the one that is wished for, else one's own; None when the tree has none such.

    Raises:
        SignInFirst, Forbidden: as `groups_seen`.
        Refusal: ``not_found``: there is no such group, or not for whoever asks.
    """
    seen = await groups_seen(context)
    if wish is None:
        return context.snapshot.groups[seen[0]] if seen else None
    if wish not in seen:
        raise Refusal("There is no such group.", "not_found", kind="group")
    return context.snapshot.groups[wish]


@dataclass(frozen=True, slots=True)
class Offered:
    """A model that a group is offered, under the name that the group asks for it with."""

    model: Model
    seen_as: Group
    payer: Group
    """The group through which it is reached first: its multiplier applies."""


def offered_models(context: Context, group: Group) -> list[Offered]:
    """Return the models that a group is offered and that have a price, as calls find them now."""
    snapshot = context.services.running.inquiries.as_called()
    found = ((name, snapshot.model(name)) for name in models_of(snapshot, group.name))
    return [
        Offered(replace(model, name=name), group, _payer(snapshot, group, name))
        for name, model in found
        if model is not None
    ]


def _payer(snapshot: Snapshot, group: Group, model: str) -> Group:
    """Return the first group in the order they are tried that has a channel; one that is offered it has."""
    tried = expand(snapshot.groups, group)
    offers = {each.name: snapshot.routes.tiers(each.name, model) for each in tried}
    able = (each for each in tried if any(offers[each.name]))
    return next(able, next((each for each in tried if offers[each.name]), group))


def _known(snapshot: Snapshot, names: Sequence[str]) -> Sequence[str]:
    return [name for name in dict.fromkeys(names) if name in snapshot.groups]


def _is_usable(token: Token, now: datetime) -> bool:
    return token.status is Status.ACTIVE and (token.expires_at is None or token.expires_at > now)
