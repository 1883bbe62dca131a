"""Every rule of one tree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from clinx.policies.index import Index
from clinx.policies.rule import Allow, Rule


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Rules in the order they are tried: by the name of their file, then by their place in it."""

    rules: tuple[Rule, ...]
    index: Index
    listing: tuple[Rule, ...]
    """The `Allow` rules that say which models may be used: model lists obey them."""

    @classmethod
    def build(cls, rules: Iterable[Rule]) -> PolicySet:
        """Index the rules of a tree."""
        every = tuple(rules)
        listing = tuple(rule for rule in every if isinstance(rule.verb, Allow) and rule.verb.names_models)
        return cls(every, Index.build(every), listing)

    def named(self, name: str) -> Rule | None:
        """Return the rule of this name, if there is one."""
        return next((rule for rule in self.rules if rule.name == name), None)


NO_POLICIES: Final = PolicySet.build(())
