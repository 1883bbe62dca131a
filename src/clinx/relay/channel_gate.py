"""Limits that count by channel: taken before a channel is asked, told when the attempt or its answer has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import structs

from clinx.policies.gate import Gate, Outcome, Rule, Ticket
from clinx.policies.limit import LimitRule
from clinx.policies.subject import Subject


@dataclass(slots=True)
class ChannelGate:
    """The gate as one exchange passes it, on its way to each of the channels it tries."""

    gate: Gate
    rules: tuple[LimitRule, ...]
    """Those that matched and count by channel."""
    subject: Subject
    _ticket: Ticket | None = None
    """Of the attempt under way."""

    async def enter(self, channel: str) -> None:
        """Take all of the rules for a channel.

        Raises:
            RateLimited: one is used up; nothing was taken.
            LimitsUnavailable: a rule that must hold cannot be counted now.
        """
        self._ticket = await self.gate.enter(self.rules, structs.replace(self.subject, channel=channel))

    async def leave(self, outcome: Outcome | None) -> None:
        """Tell how the attempt under way ended, if there is one; None is an attempt of which nothing was sent."""
        ticket, self._ticket = self._ticket, None
        await self.gate.leave(ticket, outcome)


def apart(rules: Sequence[Rule]) -> tuple[Sequence[Rule], tuple[LimitRule, ...]]:
    """Tell the rules that are taken when an exchange is let in from those that wait for its channel."""
    by_channel = tuple(rule for rule in rules if isinstance(rule, LimitRule) and rule.is_by_channel)
    if not by_channel:
        return rules, ()
    return [rule for rule in rules if rule not in by_channel], by_channel
