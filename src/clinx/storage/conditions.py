"""Conditions of a query that are there or not, and the values of their placeholders."""

from __future__ import annotations

from dataclasses import dataclass, field

from clinx.storage.program import Value


@dataclass(slots=True)
class Conditions:
    """Collects conditions; in each, ``$?`` is the next placeholder."""

    values: list[Value] = field(default_factory=list[Value])
    _texts: list[str] = field(default_factory=list[str])

    def add(self, text: str, *values: Value) -> None:
        """Add a condition and the values of its placeholders, in their order."""
        for value in values:
            text = text.replace("$?", self.place(value), 1)
        self._texts.append(text)

    def place(self, value: Value) -> str:
        """Return the placeholder of a value that stands anywhere in the query."""
        self.values.append(value)
        return f"${len(self.values)}"

    @property
    def where(self) -> str:
        """The clause: all of the conditions, or none."""
        return f"WHERE {' AND '.join(self._texts)}" if self._texts else ""
