"""What stands between a vendor's events and the caller's: changes to an answer that belong to no dialect."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clinx.canonical.events import Event


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
