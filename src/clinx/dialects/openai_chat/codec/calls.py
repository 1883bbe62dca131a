"""Which call a piece of a stream belongs to, however carelessly it says so."""

from __future__ import annotations

from clinx.canonical.content import ToolCall, as_object
from clinx.dialects.lenient import member, text_in
from clinx.dialects.openai_chat.codec.answer_decoder import arguments_of
from clinx.dialects.openai_chat.codec.extensions import read_call_signature


class Call:
    """One call in the making."""

    __slots__ = ("arguments", "extra", "has_ended", "has_started", "id", "index", "name")

    def __init__(self, index: int | None, identity: str) -> None:
        """Begin without a name."""
        self.index = index
        self.id = identity
        self.name = ""
        self.arguments: list[str] = []
        self.extra: object = None
        self.has_started = False
        """It was told."""
        self.has_ended = False

    def add(self, piece: object) -> str:
        """Take a piece; return what it adds to the arguments."""
        function = member(piece, "function")
        self.id = self.id or text_in(member(piece, "id"))
        name = text_in(member(function, "name"))
        if name != self.name and not self.arguments:
            # Some vendors send a name in pieces, others send it whole each time.
            self.name += name
        self.extra = member(piece, "extra_content") or self.extra
        added = arguments_of(member(function, "arguments"))
        if added:
            self.arguments.append(added)
        return added

    @property
    def is_complete(self) -> bool:
        """Whether the arguments are a JSON object by now."""
        return bool(self.arguments) and as_object("".join(self.arguments)) is not None

    def start(self) -> ToolCall:
        """Return the part as it starts."""
        return ToolCall(self.id, self.name, "", read_call_signature(self.extra))


class Calls:
    """The calls of one choice."""

    __slots__ = ("_by_id", "_by_index", "_last")

    def __init__(self) -> None:
        """Begin without any."""
        self._last: Call | None = None
        self._by_index: dict[int, Call] = {}
        """The last of each index."""
        self._by_id: dict[str, Call] = {}

    @property
    def are_any(self) -> bool:
        """Whether there is one."""
        return self._last is not None

    def of(self, piece: object) -> Call:
        """Return the call that a piece belongs to.

        By its index; where that is always the same, or missing, a new id or another whole name begins a new call.
        """
        index, identity = member(piece, "index"), text_in(member(piece, "id"))
        number = index if type(index) is int else None
        known = self._known(number, identity)
        if known is None or _begins_anew(known, piece, number):
            self._last = known = Call(number, identity)
            if number is not None:
                self._by_index[number] = known
        if identity:
            self._by_id[identity] = known
        return known

    def _known(self, number: int | None, identity: str) -> Call | None:
        if number is not None:
            return self._by_index.get(number)
        return self._by_id.get(identity) if identity else self._last


def _begins_anew(known: Call, piece: object, number: int | None) -> bool:
    """Whether a piece is not of the call that its index, or its place, points to."""
    identity, name = text_in(member(piece, "id")), text_in(member(member(piece, "function"), "name"))
    if identity and known.id and identity != known.id:
        return bool(name)
    return number is None and not identity and bool(name) and bool(known.arguments)
