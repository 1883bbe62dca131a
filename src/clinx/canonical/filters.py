"""What stands between a vendor's events and the caller's: changes to an answer that belong to no dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clinx.canonical.events import Event
from clinx.canonical.fold import fold, unfold
from clinx.canonical.response import ChatResponse


class EventFilter(Protocol):
    """Changes one answer as it goes by; what it returns keeps the laws of `clinx.canonical.events`.

    A whole answer is unfolded, filtered and folded again, so any split of the text must give the same result.
    """

    def feed(self, event: Event) -> Sequence[Event]:
        """Take one event; return what comes of it now, often the event itself.

        Raises:
            GatewayError: the answer must end here.
        """
        ...

    def close(self) -> Sequence[Event]:
        """Say that the answer ended; return what was held back."""
        ...


class Chain:
    """Filters one behind the other; an `EventFilter` itself."""

    __slots__ = ("_filters",)

    def __init__(self, filters: Sequence[EventFilter]) -> None:
        """Begin with the one that is next to the vendor."""
        self._filters = filters

    def feed(self, event: Event) -> Sequence[Event]:
        """Take one event through all of them."""
        return self._through((event,), 0)

    def close(self) -> Sequence[Event]:
        """End each of them, and take what it held back through those behind it."""
        rest: list[Event] = []
        for place, each in enumerate(self._filters, 1):
            rest.extend(self._through(each.close(), place))
        return rest

    def _through(self, events: Sequence[Event], first: int) -> Sequence[Event]:
        for each in self._filters[first:]:
            events = [told for event in events for told in each.feed(event)]
        return events


def filtered(response: ChatResponse, changes: EventFilter) -> ChatResponse:
    """Return what a filter makes of a whole answer.

    Raises:
        GatewayError: the answer must not be told.
    """
    events = [told for event in unfold(response) for told in changes.feed(event)]
    return fold([*events, *changes.close()])
