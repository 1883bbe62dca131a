"""What a tap that has another one before it says as that one does."""

from __future__ import annotations

from clinx.dialects.base import StreamTap
from clinx.domain.usage import Usage


class TapBefore:
    """The dialect's own tap, which does all the watching."""

    __slots__ = ("_tap",)

    def __init__(self, tap: StreamTap) -> None:
        """Stand behind it."""
        self._tap = tap

    @property
    def started(self) -> bool:
        """As the tap says."""
        return self._tap.started

    @property
    def finished(self) -> bool:
        """As the tap says."""
        return self._tap.finished

    @property
    def usage(self) -> Usage | None:
        """As the tap says."""
        return self._tap.usage

    @property
    def stored_id(self) -> str | None:
        """As the tap says; only callers of its own dialect can ask by it."""
        return self._tap.stored_id

    @property
    def stored_items(self) -> tuple[str, ...]:
        """As the tap says."""
        return self._tap.stored_items

    @property
    def answered(self) -> bool:
        """As the tap says."""
        return self._tap.answered

    @property
    def made(self) -> int:
        """As the tap says."""
        return self._tap.made

    @property
    def text_size(self) -> int:
        """As the tap says."""
        return self._tap.text_size

    def take_text(self) -> str:
        """As the tap says."""
        return self._tap.take_text()
