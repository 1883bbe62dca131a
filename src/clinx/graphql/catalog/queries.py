"""Models with prices, groups, providers and channels."""

from __future__ import annotations

from collections.abc import Iterator

import strawberry

from clinx.domain.catalog import Channel, Provider
from clinx.graphql.catalog.loaders import Ways
from clinx.graphql.catalog.named import by_name
from clinx.graphql.catalog.prices import BETWEEN, ModelNode
from clinx.graphql.catalog.sight import group_seen, groups_seen, offered_models
from clinx.graphql.catalog.types import CHANNEL, ChannelNode, GroupNode, ProviderNode, is_ill
from clinx.graphql.context import Context, Info
from clinx.graphql.errors import Refusal
from clinx.graphql.ids import key_of
from clinx.graphql.nodes import Find
from clinx.graphql.paging import Connection
from clinx.graphql.permissions import ANYONE, SIGNED_IN, Permission, needs, over


@strawberry.input(description="Which models are wanted.")
class ModelFilter:
    """All that is given must hold."""

    group: str | None = strawberry.field(default=None, description="As whom to look; without it, as one's own group.")
    search: str | None = strawberry.field(default=None, description="A part of the name, whatever its case.")
    vendor: str | None = None
    tag: str | None = None


@strawberry.input(description="Which channels are wanted.")
class ChannelFilter:
    """All that is given must hold."""

    search: str | None = strawberry.field(default=None, description="A part of the name, whatever its case.")
    group: str | None = None
    provider: str | None = None
    model: str | None = strawberry.field(default=None, description="Its name, as the channel lists it.")
    tag: str | None = None
    is_ill: bool | None = strawberry.field(default=None, description="Whether a way of it is not at its best here.")


@strawberry.type
class CatalogQuery:
    """Queries about what the tree declares."""

    @strawberry.field(description="Models and their prices, as a group is offered them; by name.")
    async def models(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: ModelFilter | None = None,  # noqa: A002
    ) -> Connection[ModelNode]:
        """Return a page of them."""
        wanted = filter or ModelFilter()
        group = await group_seen(info.context, wanted.group)
        offered = offered_models(info.context, group) if group is not None else []
        nodes = [ModelNode.of(each) for each in offered]
        return by_name(
            info.context,
            [node for node in nodes if _is_wanted(node, wanted)],
            kind="models",
            name=lambda node: node.name,
            node=lambda node: node,
            first=first,
            after=after,
        )

    @strawberry.field(description="The groups that one may look as, by name; all of them for operators.")
    async def groups(self, info: Info, first: int, after: str | None = None) -> Connection[GroupNode]:
        """Return a page of them."""
        seen = [info.context.snapshot.groups[name] for name in await groups_seen(info.context)]
        return by_name(
            info.context,
            seen,
            kind="groups",
            name=lambda group: group.name,
            node=GroupNode.of,
            first=first,
            after=after,
        )

    @strawberry.field(description="The providers that channels use, by name.")
    def providers(self, info: Info, first: int, after: str | None = None) -> Connection[ProviderNode]:
        """Return a page of them."""
        return by_name(
            info.context,
            list(_providers(info.context).values()),
            kind="providers",
            name=lambda provider: provider.name,
            node=ProviderNode.of,
            first=first,
            after=after,
        )

    @strawberry.field(description="Channels, by name.")
    def channels(
        self,
        info: Info,
        first: int,
        after: str | None = None,
        filter: ChannelFilter | None = None,  # noqa: A002
    ) -> Connection[ChannelNode]:
        """Return a page of them."""
        return by_name(
            info.context,
            list(_channels(info.context, filter or ChannelFilter())),
            kind="channels",
            name=lambda channel: channel.name,
            node=ChannelNode.of,
            first=first,
            after=after,
        )

    @strawberry.field(description="One channel by its id or its name; null where the tree has none such.")
    def channel(
        self,
        info: Info,
        name: str | None = None,
        id: strawberry.ID | None = None,  # noqa: A002
    ) -> ChannelNode | None:
        """Return it."""
        if (name is None) == (id is None):
            raise Refusal("Give exactly one of id and name.", "exactly_one")
        found = info.context.snapshot.channels.get(key_of(id, CHANNEL) if id is not None else name or "")
        return None if found is None else ChannelNode.of(found)


def _is_wanted(node: ModelNode, wanted: ModelFilter) -> bool:
    model = node.model
    return (
        (wanted.search is None or wanted.search.lower() in model.name.lower())
        and (wanted.vendor is None or wanted.vendor == model.vendor)
        and (wanted.tag is None or wanted.tag in model.tags)
    )


def _channels(context: Context, wanted: ChannelFilter) -> Iterator[Channel]:
    for channel in context.snapshot.channels.values():
        fits = (
            wanted.search is None or wanted.search.lower() in channel.name.lower(),
            wanted.group is None or wanted.group in channel.groups,
            wanted.provider is None or wanted.provider == channel.provider.name,
            wanted.model is None or wanted.model in channel.models,
            wanted.tag is None or wanted.tag in channel.tags,
            wanted.is_ill is None or wanted.is_ill is is_ill(context.loader(Ways).of(channel.name), channel),
        )
        if all(fits):
            yield channel


def _providers(context: Context) -> dict[str, Provider]:
    return {channel.provider.name: channel.provider for channel in context.snapshot.channels.values()}


async def find_model(context: Context, key: str) -> ModelNode | None:
    """Return a model as a group sees it, if whoever asks may look as that group."""
    group_name, _, name = key.partition(BETWEEN)
    try:
        group = await group_seen(context, group_name)
    except Refusal:
        return None
    offered = offered_models(context, group) if group is not None else []
    return next((ModelNode.of(each) for each in offered if each.model.name == name), None)


async def find_group(context: Context, key: str) -> GroupNode | None:
    """Return a group, if whoever asks may look as it."""
    try:
        seen = await groups_seen(context)
    except Refusal:
        return None
    return GroupNode.of(context.snapshot.groups[key]) if key in seen else None


async def find_provider(context: Context, key: str) -> ProviderNode | None:
    """Return a provider that a channel uses."""
    found = _providers(context).get(key) if context.may(Permission.CHANNEL_READ) else None
    return None if found is None else ProviderNode.of(found)


async def find_channel(context: Context, key: str) -> ChannelNode | None:
    """Return a channel."""
    found = context.snapshot.channels.get(key) if context.may(Permission.CHANNEL_READ) else None
    return None if found is None else ChannelNode.of(found)


NODES: dict[str, Find] = {
    "Model": find_model,
    "Group": find_group,
    "Provider": find_provider,
    "Channel": find_channel,
}
"""How objects of the tree are found; their ids outlive reloads."""

_READ = needs(Permission.CHANNEL_READ)
ACCESS = {
    **over("Query", ANYONE, "models"),
    **over("Query", SIGNED_IN, "groups"),
    **over("Query", _READ, "providers", "channels", "channel"),
}
"""Who sees which models is decided in `clinx.graphql.catalog.sight`: for strangers only where prices are public."""
