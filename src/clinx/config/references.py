"""Every name used is declared, once, and leads somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clinx.config.channels import DEFAULT_GROUP
from clinx.config.declared import Declared, Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.schema import ChannelShape, GroupShape
from clinx.routing.pattern import Pattern, is_pattern


def check_references(declared: Declared) -> Iterator[Diagnostic]:
    """Yield what does not fit together between the entries of a tree."""
    yield from _channel_names(declared.channels)
    for channel in declared.channels:
        yield from _channel_groups(channel.sound, declared.groups)
        yield from _channel_models(channel.sound, declared)
    for group in declared.groups.values():
        yield from _tries(group.sound, declared)
    yield from _unused(declared)


def _channel_names(channels: Iterable[Entry[ChannelShape]]) -> Iterator[Diagnostic]:
    first: dict[str, Entry[ChannelShape]] = {}
    for channel in channels:
        known = first.setdefault(channel.name, channel)
        if known is not channel and channel.name:
            where = f"{known.mark.file}, line {known.mark.line}"
            yield channel.mark.finding("E206", f'channel "{channel.name}" is already in {where}')


def _groups(channel: Entry[ChannelShape]) -> list[str]:
    return (channel.shape.groups or [DEFAULT_GROUP]) if channel.shape is not None else []


def _channel_groups(channel: Entry[ChannelShape], groups: dict[str, Entry[GroupShape]]) -> Iterator[Diagnostic]:
    known = {DEFAULT_GROUP, *groups}
    for index, name in enumerate(_groups(channel)):
        mark = channel.node.at(("groups", index))
        if name not in known:
            yield mark.finding("E202", f'unknown group "{name}"', did_you_mean(name, known))
        elif name in groups and (shape := groups[name].shape) is not None and shape.tries:
            message = f'group "{name}" tries other groups and has no channels of its own'
            yield mark.finding("E208", message, f"name one of {', '.join(shape.tries)}")


def _offered(channel: Entry[ChannelShape]) -> Iterator[tuple[int, str]]:
    wishes = (channel.shape.models or []) if channel.shape is not None else []
    for index, wish in enumerate(wishes):
        for public in wish if isinstance(wish, dict) else [wish]:
            yield index, public


def _channel_models(channel: Entry[ChannelShape], declared: Declared) -> Iterator[Diagnostic]:
    for index, public in _offered(channel):
        if not any(_meet(public, priced) for priced in declared.models):
            mark = channel.node.at(("models", index))
            hint = did_you_mean(public, declared.models) or 'list it under "models"; price: free, if it costs nothing'
            yield mark.finding("E205", f'model "{public}" has no price', hint)


def _meet(offered: str, priced: str) -> bool:
    """Whether an offered name or pattern and a priced one have a name in common, as far as can be seen."""
    if offered == priced:
        return True
    if is_pattern(offered) and Pattern.parse(offered).matches(priced):
        return True
    return is_pattern(priced) and Pattern.parse(priced).matches(offered)


def _tries(group: Entry[GroupShape], declared: Declared) -> Iterator[Diagnostic]:
    shape = group.shape
    if shape is None or not shape.tries:
        return
    if shape.multiplier is not None:
        mark = group.node.key_at(("multiplier",))
        yield mark.finding("E303", "a group of groups has no multiplier: that of the group that serves applies")
    known = {DEFAULT_GROUP, *declared.groups}
    for index, name in enumerate(shape.tries):
        mark = group.node.at(("tries", index))
        if name not in known:
            yield mark.finding("E202", f'unknown group "{name}"', did_you_mean(name, known))
        elif name in shape.tries[:index]:
            yield mark.finding("E206", f'group "{name}" is tried twice')
        elif _leads_back(name, group.name, declared.groups):
            yield mark.finding("E207", f'"{group.name}" and "{name}" try each other')
        elif name in declared.groups and not _reachable(name, declared):
            yield mark.finding("E213", f'group "{name}" has no channels to try')


def _leads_back(start: str, goal: str, groups: dict[str, Entry[GroupShape]]) -> bool:
    waiting, seen = [start], set[str]()
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen and name in groups and (shape := groups[name].shape) is not None:
            waiting.extend(shape.tries)
        seen.add(name)
    return False


def _reachable(name: str, declared: Declared) -> bool:
    shape = declared.groups[name].shape
    if shape is None or shape.tries:
        # Broken (reported), or a group of groups: its own entries are checked where they stand.
        return True
    return any(channel.shape is None or name in _groups(channel) for channel in declared.channels)


def _unused(declared: Declared) -> Iterator[Diagnostic]:
    if any(channel.shape is None for channel in declared.channels):
        # What a broken channel offers is not known: better no warning than a wrong one.
        return
    offered = {public for channel in declared.channels for _, public in _offered(channel)}
    for name, model in declared.models.items():
        if not any(_meet(public, name) for public in offered):
            yield model.mark.finding("W205", f'model "{name}" has a price, but no channel offers it')
    tried = {name for group in declared.groups.values() if group.shape is not None for name in group.shape.tries}
    for name, group in declared.groups.items():
        if group.shape is not None and not group.shape.tries and name not in tried and not _reachable(name, declared):
            yield group.mark.finding("W208", f'group "{name}" has no channels: its users can call nothing')
