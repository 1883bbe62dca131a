"""Warnings about models and groups that rules name and nothing in the tree has: most likely a slip of the pen.

Rules may give models other names, so what a rule makes another model of counts as known. Where that cannot be seen,
nothing is said: no warning is better than a wrong one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from clinx.config.channels import DEFAULT_GROUP
from clinx.config.conditions import Expression
from clinx.config.declared import Declared, Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Mark
from clinx.config.policy_schema import RuleShape
from clinx.policies.facts import MODEL
from clinx.policies.rule import Anchor, Match, Rule
from clinx.routing.pattern import Pattern, is_pattern

_QUOTED: Final = re.compile(r"""["']([^"']+)["']""")
_HOLE: Final = "{{"

Pair = tuple[Entry[RuleShape], Rule]


@dataclass(slots=True)
class _Aliases:
    """Names that rules make other models of, and what they make of them."""

    names: set[str] = field(default_factory=set[str])
    shapes: list[list[Anchor]] = field(default_factory=list[list[Anchor]])
    """What must all be so for a name to be one."""
    is_open: bool = False
    """Some rule makes another model of any."""
    targets: set[str] = field(default_factory=set[str])

    def add(self, when: Expression | None, model: str) -> None:
        """Add what a rule with this condition asks for instead."""
        anchors = [each for each in when.anchors if each.path == MODEL] if when is not None else []
        named = {name for path, name in when.names if path == MODEL} if when is not None else set[str]()
        if _HOLE in model:
            named.update(_QUOTED.findall(model))
        else:
            self.targets.add(model)
        self.names |= named
        if anchors and all(each.match is not Match.EXACT for each in anchors):
            self.shapes.append(anchors)
        elif not named and _HOLE in model:
            self.is_open = True

    def __contains__(self, name: str) -> bool:
        """Whether a rule may make something else of it."""
        return self.is_open or name in self.names or any(_fits(name, anchors) for anchors in self.shapes)


def strangers(declared: Declared, models: Collection[str], rules: Sequence[Pair]) -> Iterator[Diagnostic]:
    """Yield what rules name and nothing has; ``models`` are all public names and patterns."""
    aliases = _Aliases()
    for entry, rule in rules:
        if (model := _asked_instead(entry)) is not None:
            aliases.add(_condition(rule), model)
    groups = {DEFAULT_GROUP, *declared.groups}
    for entry, rule in rules:
        model = _asked_instead(entry)
        if model is not None and _HOLE not in model and not _is_model(model, models) and model not in aliases:
            yield _finding(entry.node.at(("rewrite", "model")), "model", model, models)
        when = _condition(rule)
        for path, name in dict.fromkeys(when.names) if when is not None else ():
            mark = entry.node.at(("when",))
            if path != MODEL and name not in groups:
                yield _finding(mark, "group", name, groups)
            elif path == MODEL and not (name in aliases.targets or _is_model(name, models) or name in aliases):
                yield _finding(mark, "model", name, models)


def _asked_instead(entry: Entry[RuleShape]) -> str | None:
    shape = entry.shape
    return shape.rewrite.model if shape is not None and shape.rewrite is not None else None


def _condition(rule: Rule) -> Expression | None:
    return rule.when if isinstance(rule.when, Expression) else None


def _is_model(name: str, models: Collection[str]) -> bool:
    return name in models or any(Pattern.parse(each).matches(name) for each in models if is_pattern(each))


def _fits(name: str, anchors: Sequence[Anchor]) -> bool:
    return all(_holds(name, anchor) for anchor in anchors)


def _holds(name: str, anchor: Anchor) -> bool:
    texts = tuple(str(each) for each in anchor.values)
    match anchor.match:
        case Match.EXACT:
            return name in texts
        case Match.PREFIX:
            return name.startswith(texts)
        case Match.SUFFIX:
            return name.endswith(texts)
        case Match.PRESENT:
            return True


def _finding(mark: Mark, what: str, name: str, known: Collection[str]) -> Diagnostic:
    return mark.finding("W217", f'there is no {what} "{name}"', did_you_mean(name, known))
