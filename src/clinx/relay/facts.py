"""What a price's conditions may look at: the members of the body they name, decoded when they ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clinx.dialects.body import JsonBody


class RequestFacts(Mapping[str, object]):
    """The body's top level as plain values. Only what a condition names is ever decoded, once.

    Neither the size of a member nor the number of others changes what a condition sees, or what looking costs.
    """

    def __init__(self, body: JsonBody) -> None:
        """Decode nothing yet."""
        self._body = body
        self._known: dict[str, object] = {}

    def __getitem__(self, name: str) -> object:
        """Return a member's value.

        Raises:
            KeyError: there is none.
            InvalidRequest: its bytes are no text.
        """
        if name not in self._known:
            if not self._body.view(name):
                raise KeyError(name)
            self._known[name] = self._body.value(name)
        return self._known[name]

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a member; nothing is decoded."""
        return isinstance(name, str) and bool(self._body.view(name))

    def __iter__(self) -> Iterator[str]:
        """Walk the names."""
        return iter(self._body.names)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._body.names)
