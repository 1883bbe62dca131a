"""Functions a model may call, and whether it must."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Raw, Struct

from clinx.canonical.content import CacheTtl


class Tool(Struct, frozen=True, tag="tool", omit_defaults=True):
    """A function of the caller's."""

    name: str
    description: str | None = None
    schema: Raw | None = None
    """JSON Schema of the arguments, as text; None for a function without any."""
    strict: bool | None = None
    """Whether the arguments must match the schema exactly."""
    cache: CacheTtl | None = None


class ChoiceMode(StrEnum):
    """Whether functions are called."""

    AUTO = "auto"
    NONE = "none"
    ANY = "any"
    """At least one is."""


class ToolChoice(Struct, frozen=True, omit_defaults=True):
    """What the caller wants called."""

    mode: ChoiceMode | None = None
    """None: not said; then only ``parallel`` is."""
    names: tuple[str, ...] = ()
    """The only functions that may be called; empty for all. ANY with one name is a forced call of that function."""
    parallel: bool | None = None
    """Whether one turn may hold several calls; None: not said."""

    @property
    def forced(self) -> str | None:
        """The one function that must be called, if it is just one."""
        return self.names[0] if self.mode is ChoiceMode.ANY and len(self.names) == 1 else None
