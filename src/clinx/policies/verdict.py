"""What the rules say about one exchange."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from clinx.domain.steering import FREE, Steer
from clinx.errors import GatewayError

if TYPE_CHECKING:
    from clinx.policies.budget import BudgetRule
    from clinx.policies.guard import GuardRule
    from clinx.policies.limit import LimitRule
    from clinx.policies.rule import Rule

ONE: Final = Fraction(1)


class HeaderChange(Struct, frozen=True):
    """A header that an upstream is sent, or, where ``value`` is None, is not."""

    name: str
    value: str | None


class Stickiness(Struct, frozen=True):
    """Which exchanges belong together, and for how long."""

    key: str
    ttl: float
    """Seconds."""


class Verdict(Struct, frozen=True):
    """What the rules that matched say, taken together."""

    rules: tuple[Rule, ...] = ()
    """Those that matched, in the order they were tried."""
    refusal: GatewayError | None = None
    """Why the exchange may not pass: `PolicyRefused` or `ModelNotAllowed`; then nothing else of this is obeyed."""
    refused_by: Rule | None = None
    model: str | None = None
    """What the model is called now; None where no rule renamed it."""
    changes: Mapping[str, bytes | None] = MappingProxyType({})
    """Top-level members of the body to set (JSON text) or delete (None)."""
    headers: tuple[HeaderChange, ...] = ()
    steer: Steer = FREE
    stick: Stickiness | None = None
    attempts: int | None = None
    """Most attempts, instead of what channels say."""
    factor: Fraction = ONE
    """On the price."""
    factors: tuple[tuple[str, Fraction], ...] = ()
    """The factor's parts, by rule."""
    gated: tuple[LimitRule | BudgetRule, ...] = ()
    """What `clinx.policies.gate` must let through."""
    guards: tuple[GuardRule, ...] = ()
    thinking_to_content: bool | None = None
    """None leaves it to the channel."""

    @property
    def is_rewritten(self) -> bool:
        """Whether the request that goes on is another than the one that came."""
        return self.model is not None or bool(self.changes)


SILENT: Final = Verdict()
"""No rule says anything."""
