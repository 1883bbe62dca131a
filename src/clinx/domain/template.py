"""Text with holes, for addresses and headers of providers: ``Bearer {{ key }}``.

A closed little language on purpose: a hole is a name and nothing else, so a template can neither compute nor reach
into an object, and rendering is a join. Expressions live elsewhere and never see these values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_HOLE = re.compile(r"\{\{\s*([a-z_]+(?:\.[a-z_]+)?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class Template:
    """Literal text at even positions of ``parts``, names at odd ones."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Template:
        """Split text at its holes.

        Raises:
            ValueError: braces that form no hole.
        """
        parts = tuple(_HOLE.split(text))
        if any("{{" in literal or "}}" in literal for literal in parts[::2]):
            message = f"not a template: {text!r}; a hole is {{{{ name }}}}"
            raise ValueError(message)
        return cls(parts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the holes, in order."""
        return self.parts[1::2]

    def render(self, values: Mapping[str, str]) -> str:
        """Fill the holes.

        Raises:
            KeyError: a name has no value; the compiler checks names, so this is a defect.
        """
        if len(self.parts) == 1:
            return self.parts[0]
        return "".join(part if index % 2 == 0 else values[part] for index, part in enumerate(self.parts))
