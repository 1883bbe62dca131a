"""What conditions see of an exchange: the caller, the request, the time. Nothing is made that no condition asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Final, TypeAlias, cast

from msgspec import Struct

from clinx.dialects.body import JsonBody
from clinx.domain.identity import Token, User
from clinx.domain.operation import Operation
from clinx.policies.draft import NOTHING, Draft
from clinx.policies.headers import Readable

MODEL: Final = ("model",)
"""The path to the model."""
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Facts(Struct, frozen=True):
    """One exchange, before any rule was tried."""

    user: User
    token: Token
    group: str
    """The token's, else the user's."""
    model: str
    """As the caller asked for it; empty when a list of models is asked for."""
    operation: Operation
    dialect: str
    stream: bool
    headers: Mapping[str, str]
    """The caller's; looks names up whatever their case."""
    address: str | None
    at: datetime
    """Now; in any zone."""
    body: JsonBody
    offers: Callable[[str], bool]
    """Whether the caller's group is offered a model by this very name, not by a pattern."""
    zone: tzinfo | None = None
    """Where ``now`` is; None leaves it in the zone of ``at``."""

    @property
    def local(self) -> datetime:
        """Now, where the operator says that the clock stands."""
        return self.at if self.zone is None else self.at.astimezone(self.zone)


class Offered:
    """The names that a caller may ask for, as ``model in offered`` sees them."""

    __slots__ = ("_offers",)

    def __init__(self, offers: Callable[[str], bool]) -> None:
        """Remember whom to ask."""
        self._offers = offers

    def __contains__(self, name: object) -> bool:
        """Tell whether it is one of them."""
        return isinstance(name, str) and self._offers(name)


class Members(Mapping[str, object]):
    """The body's top level as plain values, with what earlier rules changed. Only what is named is ever decoded."""

    def __init__(self, draft: Draft) -> None:
        """Decode nothing yet."""
        self._draft = draft

    def __getitem__(self, name: str) -> object:
        """Return a member's value.

        Raises:
            KeyError: there is none.
            InvalidRequest: its bytes are no text.
        """
        if (found := self._draft.find(name)) is NOTHING:
            raise KeyError(name)
        return found

    def get(self, key: str, default: object = None) -> object:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return a member's value, or something else where there is none."""
        return self._draft.find(key, default)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a member; nothing is decoded."""
        return isinstance(name, str) and self._draft.has(name)

    def __iter__(self) -> Iterator[str]:
        """Walk the names."""
        return iter(self._draft.names())

    def __len__(self) -> int:
        """Count the names."""
        return len(self._draft.names())


def scope(facts: Facts, model: str, draft: Draft) -> dict[str, object]:
    """Return the names that conditions may use; ``model`` and ``draft`` are what earlier rules made of the request.

    What an exchange does not have is not there, so it is not defined.
    """
    user, token, now = facts.user, facts.token, facts.local
    own = {} if token.group is None else {"group": token.group}
    where = {} if facts.address is None else {"address": facts.address}
    return {
        "user": {"id": user.id, "name": user.name, "group": user.group, "role": user.role.value},
        "token": {"id": token.id, "name": token.name, "tags": token.tags, **own},
        "group": facts.group,
        "model": model,
        "operation": facts.operation.value,
        "dialect": facts.dialect,
        "stream": facts.stream,
        "header": Readable(facts.headers),
        **where,
        "now": _clock(now),
        "request": Members(draft),
        "offered": Offered(facts.offers),
    }


def _clock(now: datetime) -> dict[str, object]:
    return {
        "year": now.year,
        "month": now.month,
        "day": now.day,
        "hour": now.hour,
        "minute": now.minute,
        "weekday": DAYS[now.weekday()],
        "date": now.date().isoformat(),
    }


Read: TypeAlias = Callable[[Facts, str, Draft], object]
"""Facts, and the model and the body as rules have left them, to a value; `NOTHING` where the request does not say.

Raises:
    InvalidRequest: it is in a member of the body that holds bytes which are no text.
"""

_READ: Final[Mapping[tuple[str, ...], Read]] = {
    MODEL: lambda _, model, __: model,
    ("group",): lambda facts, _, __: facts.group,
    ("operation",): lambda facts, _, __: facts.operation.value,
    ("dialect",): lambda facts, _, __: facts.dialect,
    ("address",): lambda facts, _, __: NOTHING if facts.address is None else facts.address,
    ("user", "id"): lambda facts, _, __: facts.user.id,
    ("user", "name"): lambda facts, _, __: facts.user.name,
    ("user", "group"): lambda facts, _, __: facts.user.group,
    ("user", "role"): lambda facts, _, __: facts.user.role.value,
    ("token", "id"): lambda facts, _, __: facts.token.id,
    ("token", "name"): lambda facts, _, __: facts.token.name,
    ("token", "group"): lambda facts, _, __: NOTHING if facts.token.group is None else facts.token.group,
}


def reader(path: tuple[str, ...]) -> Read | None:
    """Return what reads the value that a path of names leads to; None for paths that no rule is found by."""
    match path:
        case ("token", "tags", tag):
            return lambda facts, _, __: facts.token.tags.get(tag, NOTHING)
        case ("header", name):
            return lambda facts, _, __: facts.headers.get(name, NOTHING)
        case ("request", top, *below):
            return _member(top, tuple(below))
        case _:
            return _READ.get(path)


def presence(path: tuple[str, ...]) -> Read | None:
    """Return what tells whether there is anything where a path leads to, by a value or by `NOTHING`.

    It decodes no member of the body for its own sake. None for paths that `reader` does not read, or that always lead
    to something.
    """
    match path:
        case ("request", top):
            return lambda _, __, draft: draft.has(top) or NOTHING
        case ("address",) | ("token", "group") | ("token", "tags", _) | ("header", _) | ("request", _, *_):
            return reader(path)
        case _:
            return None


def _member(top: str, below: tuple[str, ...]) -> Read:
    if not below:
        return lambda _, __, draft: draft.find(top)

    def read(_: Facts, __: str, draft: Draft) -> object:
        value = draft.find(top)
        for name in below:
            if not isinstance(value, dict):
                return NOTHING
            value = cast("dict[str, object]", value).get(name, NOTHING)
        return value

    return read
