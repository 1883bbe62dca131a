"""Which tokens may ask for less once another tree is served."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from clinx.config.effects import channels_of, models_of, offers
from clinx.config.snapshot import Snapshot
from clinx.domain.identity import Status, Token, User


@dataclass(frozen=True, slots=True)
class TokenLoss:
    """An active token and the models it can ask for now and could not any more."""

    id: int
    name: str
    user: str
    group: str
    models: tuple[str, ...]
    is_all: bool
    """Nothing would be left to it."""


class TokenLosses:
    """Compares what tokens may use, token by token; the same group and restrictions are compared once."""

    def __init__(self, before: Snapshot, after: Snapshot) -> None:
        """Compare nothing yet."""
        self._before = before
        self._after = after
        self._known: dict[tuple[str, frozenset[str]], tuple[tuple[str, ...], bool]] = {}
        self._groups: set[str] = set()

    def among(self, owned: Iterable[tuple[Token, User]]) -> Iterator[TokenLoss]:
        """Yield the losses of some tokens, in their order."""
        for token, user in owned:
            if token.status is not Status.ACTIVE or user.status is not Status.ACTIVE:
                continue
            group = token.group or user.group
            self._groups.add(group)
            lost, is_all = self._lost(group, token.models)
            if lost:
                yield TokenLoss(token.id, token.name, user.name, group, lost, is_all)

    def stranded(self) -> tuple[str, ...]:
        """Return the channels that some token seen so far could reach, and none could any more."""
        before, after = (
            {name for group in self._groups for name in channels_of(each, group)}
            for each in (self._before, self._after)
        )
        return tuple(sorted((before - after) & self._after.channels.keys()))

    def _lost(self, group: str, models: frozenset[str]) -> tuple[tuple[str, ...], bool]:
        key = (group, models)
        if key not in self._known:
            before, after = (_usable(each, group, models) for each in (self._before, self._after))
            lost = tuple(sorted(name for name in before - after if models or not offers(self._after, group, name)))
            self._known[key] = (lost, bool(lost) and not after)
        return self._known[key]


def _usable(snapshot: Snapshot, group: str, models: frozenset[str]) -> set[str]:
    if not models:
        return {*models_of(snapshot, group)}
    return {name for name in models if offers(snapshot, group, name)}
