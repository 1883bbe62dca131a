"""Rules as the tree compiles them: a name, a condition, and one verb with its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, TypeAlias

from clinx.domain.identity import Network
from clinx.domain.operation import Operation
from clinx.domain.steering import Steer
from clinx.policies.edits import Edit

if TYPE_CHECKING:
    # What these verbs mean is their own modules' business; a rule only carries them.
    from clinx.policies.budget import BudgetRule
    from clinx.policies.guard import GuardRule
    from clinx.policies.limit import LimitRule

Scope: TypeAlias = Mapping[str, object]
"""The names that conditions and templates may use, with their values."""
Condition: TypeAlias = Callable[[Scope], bool]
"""A compiled ``when``; raises nothing."""
Value: TypeAlias = Callable[[Scope], object]
"""A compiled template or expression; `clinx.policies.edits.NOTHING` where the request does not say."""


class NamePattern(Protocol):
    """A pattern over model names."""

    def matches(self, name: str) -> bool:
        """Tell whether a name is one of those it stands for."""
        ...


class Match(StrEnum):
    """How an anchor compares."""

    EXACT = "exact"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    PRESENT = "present"
    """It is there, whatever it is."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What must at least be so for a condition to hold: a value is there, or is, begins or ends with one of these."""

    path: tuple[str, ...]
    """``("model",)``, ``("token", "tags", "region")``."""
    match: Match
    values: frozenset[object]


@dataclass(frozen=True, slots=True)
class Allow:
    """A selected exchange may use only what is listed; an empty list says nothing."""

    models: frozenset[str] = frozenset()
    """Public names."""
    patterns: tuple[NamePattern, ...] = ()
    """More of them, with ``*`` for any text."""
    operations: frozenset[Operation] = frozenset()
    networks: tuple[Network, ...] = ()
    hours: tuple[int, int] | None = None
    """Minutes of the day: from, and until before. A window that ends before it begins goes over midnight."""
    days: frozenset[str] = frozenset()
    """``mon`` … ``sun``."""
    message: str | None = None

    @property
    def names_models(self) -> bool:
        """Whether it says which models may be used."""
        return bool(self.models or self.patterns)

    def has_model(self, name: str) -> bool:
        """Tell whether a model may be used, as far as this says anything of models."""
        return not self.names_models or name in self.models or any(each.matches(name) for each in self.patterns)


@dataclass(frozen=True, slots=True)
class Deny:
    """A selected exchange is refused."""

    message: str | None = None


@dataclass(frozen=True, slots=True)
class HeaderEdits:
    """Changes to the headers that an upstream is sent."""

    set: tuple[tuple[str, Value], ...] = ()
    delete: tuple[str, ...] = ()
    copy: tuple[tuple[str, str], ...] = ()
    """A caller's header, and the name it goes upstream under."""
    passed: tuple[str, ...] = ()
    """A caller's headers that go upstream as they came."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Changes to a request, and how its answer is told."""

    model: Value | None = None
    edits: tuple[Edit, ...] = ()
    headers: HeaderEdits | None = None
    thinking_to_content: bool | None = None
    """Whether thoughts are told as content, instead of what the channel says."""


@dataclass(frozen=True, slots=True)
class Stick:
    """Exchanges with the same key prefer the channel that served the last one."""

    key: Value
    ttl: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often is tried, instead of what channels say."""

    attempts: int


@dataclass(frozen=True, slots=True)
class Multiply:
    """A factor on the price."""

    price: Fraction


Verb: TypeAlias = "Allow | Deny | Rewrite | Steer | Stick | Retry | Multiply | LimitRule | BudgetRule | GuardRule"
"""What a rule does; a `Steer` is the verb ``route``."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule. It says nothing about an exchange for which its condition does not hold."""

    name: str
    verb: Verb
    word: str
    """The verb as the tree spells it: ``deny``."""
    when: Condition | None = None
    """None holds for every exchange."""
    anchors: tuple[Anchor, ...] = ()
    """Each of them holds whenever the condition does."""
    place: str = ""
    """``policies/free.yaml:3``."""
