"""Whether an exchange that an ``allow`` rule selects uses only what the rule lists."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Final

from clinx.domain.identity import Network
from clinx.errors import GatewayError, ModelNotAllowed, PolicyRefused
from clinx.policies.facts import DAYS, Facts
from clinx.policies.rule import Allow, Rule

MINUTES: Final = 60
"""Of an hour."""


def refusal(rule: Rule, allow: Allow, facts: Facts, model: str) -> GatewayError | None:
    """Return why not; None if it does.

    A model passes by the name the caller asked for, or by the one that the rules made of it.
    """
    if model and not (allow.has_model(model) or allow.has_model(facts.model)):
        said = allow.message or f"The model {facts.model[:100]!r} is not allowed by the rule {rule.name!r}."
        return ModelNotAllowed(said, param="model")
    if allow.operations and facts.operation not in allow.operations:
        return _refused(allow, f"The rule {rule.name!r} does not allow this operation.")
    if allow.networks and not is_within(facts.address, allow.networks):
        return _refused(allow, f"The rule {rule.name!r} does not allow calls from this address.")
    if not _is_open(allow, facts):
        return _refused(allow, f"The rule {rule.name!r} does not allow calls at this time.")
    return None


def is_within(address: str | None, networks: tuple[Network, ...]) -> bool:
    """Tell whether an address is in one of these ranges; none, or nonsense, is in no range."""
    try:
        caller = ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(caller, "ipv4_mapped", None)
    return any((mapped or caller) in network for network in networks)


def _is_open(allow: Allow, facts: Facts) -> bool:
    if allow.hours is None and not allow.days:
        return True
    now = facts.local
    if allow.days and DAYS[now.weekday()] not in allow.days:
        return False
    if allow.hours is None:
        return True
    start, end = allow.hours
    minute = now.hour * MINUTES + now.minute
    return start <= minute < end if start < end else minute >= start or minute < end


def _refused(allow: Allow, said: str) -> PolicyRefused:
    return PolicyRefused(allow.message or said)
