"""Files of policies/ to a `PolicySet`: every rule's condition compiled, its names checked, its verb made a value."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from clinx.config.conditions import POLICY_NAMES, ConditionError, Expression, compile_condition
from clinx.config.declared import Declared, Entry
from clinx.config.diagnostics import Diagnostic, did_you_mean, errors
from clinx.config.nodes import Mark, Node
from clinx.config.policy_guards import compile_guard
from clinx.config.policy_limits import compile_budget, compile_limit
from clinx.config.policy_rewrites import RewriteCompiler
from clinx.config.policy_schema import VERBS, AffinityShape, AllowShape, RouteShape, RuleShape
from clinx.config.salvage import independent
from clinx.config.schema import ChannelShape
from clinx.config.strangers import strangers
from clinx.config.templates import Value
from clinx.domain.operation import Operation
from clinx.domain.steering import Steer, Strategy
from clinx.policies.allow import MINUTES
from clinx.policies.policy_set import PolicySet
from clinx.policies.rule import Allow, Deny, Multiply, Retry, Rule, Stick, Verb
from clinx.routing.pattern import Pattern, is_pattern


@dataclass(frozen=True, slots=True)
class _Known:
    """What the rest of the tree declares."""

    models: Collection[str]
    tags: Collection[str]
    channels: Collection[str]
    is_tagged: bool
    """Whether every channel's tags are known: a broken one's may be what is broken."""
    is_named: bool
    """Whether every channel has a name."""


def compile_policies(declared: Declared, files: Mapping[str, bytes], found: list[Diagnostic]) -> PolicySet:
    """Compile the rules of a tree, in order; ``files`` are all that it holds, lists of words among them."""
    known = _known(declared)
    _refuse_twins(declared.rules, found)
    compiled = [(entry, _RuleCompiler(entry, known, files, found).compile()) for entry in declared.rules]
    rules = [(entry, rule) for entry, rule in compiled if rule is not None]
    if not errors(found):
        # What is missing may be missing because of a fault that was found.
        found.extend(strangers(declared, known.models, rules))
    return PolicySet.build(rule for _, rule in rules)


def _known(declared: Declared) -> _Known:
    """Return what rules may name; of a broken channel, what is left of it counts."""
    channels = [channel.sound for channel in declared.channels]
    shapes = [channel.shape for channel in channels if channel.shape is not None]
    return _Known(
        models=_models(declared, shapes),
        tags={tag for shape in shapes for tag in shape.tags},
        channels={channel.name for channel in channels},
        is_tagged=all(map(_has_known_tags, declared.channels)),
        is_named=all(channel.name for channel in channels),
    )


def _has_known_tags(channel: Entry[ChannelShape]) -> bool:
    rest = channel.sound.shape
    return channel.shape is not None or (rest is not None and bool(rest.tags))


def _models(declared: Declared, shapes: Iterable[ChannelShape]) -> set[str]:
    """Return every name that a caller may ask for: what is priced, and what is offered under a pattern's price."""
    wishes = (wish for shape in shapes for wish in shape.models or [])
    return {*declared.models, *(name for wish in wishes for name in (wish if isinstance(wish, dict) else [wish]))}


def _refuse_twins(entries: Iterable[Entry[RuleShape]], found: list[Diagnostic]) -> None:
    first: dict[str, Entry[RuleShape]] = {}
    for entry in entries:
        twin = first.setdefault(entry.name, entry)
        if twin is not entry and entry.name:
            where = f"{twin.mark.file}, line {twin.mark.line}"
            found.append(entry.mark.finding("E206", f'rule "{entry.name}" is already in {where}'))


class _RuleCompiler:
    """Compiles one rule."""

    def __init__(
        self, entry: Entry[RuleShape], known: _Known, files: Mapping[str, bytes], found: list[Diagnostic]
    ) -> None:
        self._entry = entry
        self._known = known
        self._files = files
        self._found = found

    def compile(self) -> Rule | None:
        """Return the rule; None when something is wrong with it, which is then in ``found``."""
        shape = self._entry.shape
        if shape is None:
            self._search_rest()
            return None
        before = len(self._found)
        when = self._expression(shape.when, self._entry.node.at(("when",))) if shape.when is not None else None
        word = next(each for each in VERBS if getattr(shape, each) is not None)
        verb = self._verb(shape, self._entry.node.map[word])
        if verb is None or errors(self._found[before:]):
            return None
        mark = self._entry.mark
        anchors = when.anchors if when is not None else ()
        return Rule(shape.name, verb, word, when, anchors, f"{mark.file}:{mark.line}")

    def _search_rest(self) -> None:
        """Look for further faults in what is left of a broken rule."""
        if self._entry.rest is not None:
            apart: list[Diagnostic] = []
            _RuleCompiler(self._entry.sound, self._known, self._files, apart).compile()
            self._found.extend(independent(apart))

    def _verb(self, shape: RuleShape, node: Node) -> Verb | None:
        match shape:
            case RuleShape(allow=AllowShape() as allow):
                return self._allow(allow, node)
            case RuleShape(route=RouteShape() as route):
                return self._route(route, node)
            case RuleShape(affinity=AffinityShape() as affinity):
                key = self._expression(affinity.key, node.at(("key",)))
                return None if key is None else Stick(Value(key.source, key.evaluate), affinity.ttl)
            case _:
                return self._plain(shape, node)

    def _plain(self, shape: RuleShape, node: Node) -> Verb | None:
        if shape.deny is not None:
            return Deny(shape.deny.message)
        if shape.rewrite is not None:
            return RewriteCompiler(node, self._found).compile(shape.rewrite)
        if shape.retry is not None:
            return Retry(shape.retry.attempts)
        if shape.multiply is not None:
            return Multiply(shape.multiply.price)
        return self._counted(shape, node)

    def _counted(self, shape: RuleShape, node: Node) -> Verb | None:
        if shape.limit is not None:
            return compile_limit(shape, node, self._found)
        if shape.budget is not None:
            return compile_budget(shape, node, self._found)
        return compile_guard(shape, node, self._files, self._found)

    def _expression(self, source: str, mark: Mark) -> Expression | None:
        try:
            return compile_condition(source, POLICY_NAMES)
        except ConditionError as error:
            self._found.append(mark.finding("E306", str(error), error.hint))
            return None

    def _allow(self, shape: AllowShape, node: Node) -> Allow:
        for index, name in enumerate(shape.models or []):
            self._check_model(name, node.at(("models", index)))
        asked = enumerate(shape.operations or [])
        operations = [self._operation(name, node.at(("operations", index))) for index, name in asked]
        if shape.model_dump(exclude={"message"}, exclude_none=True) == {}:
            self._found.append(node.mark.finding("E302", "allow lists nothing: it would allow everything"))
        names = shape.models or []
        return Allow(
            models=frozenset(name for name in names if not is_pattern(name)),
            patterns=tuple(Pattern.parse(name) for name in names if is_pattern(name)),
            operations=frozenset(each for each in operations if each is not None),
            networks=tuple(shape.networks or ()),
            hours=self._hours(shape.hours, node),
            days=frozenset(shape.days or ()),
            message=shape.message,
        )

    def _check_model(self, name: str, mark: Mark) -> None:
        known = self._known.models
        if any(_meet(name, each) for each in known):
            return
        self._found.append(mark.finding("E216", f'unknown model "{name}"', did_you_mean(name, known)))

    def _operation(self, name: str, mark: Mark) -> Operation | None:
        words = [each.value for each in Operation]
        if name not in words:
            self._found.append(mark.finding("E303", f'unknown operation "{name}"', did_you_mean(name, words)))
            return None
        return Operation(name)

    def _hours(self, text: str | None, node: Node) -> tuple[int, int] | None:
        if text is None:
            return None
        start, end = (self._minute(part) for part in text.split("-"))
        if start == end or max(start, end) > 24 * MINUTES:
            self._found.append(node.at(("hours",)).finding("E303", "expected a window such as 09:00-18:00"))
        return start, end

    def _minute(self, text: str) -> int:
        hour, minute = text.split(":")
        return int(hour) * MINUTES + int(minute)

    def _route(self, shape: RouteShape, node: Node) -> Steer:
        if shape.model_dump(exclude_none=True) == {}:
            self._found.append(node.mark.finding("E302", "route says nothing"))
        if shape.channel is not None and self._known.is_named and shape.channel not in self._known.channels:
            hint = did_you_mean(shape.channel, self._known.channels)
            mark = node.at(("channel",))
            self._found.append(mark.finding("E216", f'unknown channel "{shape.channel}"', hint))
        return Steer(
            require=self._tags(shape, "require", node),
            prefer=self._tags(shape, "prefer", node),
            avoid=self._tags(shape, "avoid", node),
            pinned=shape.channel,
            strategy=None if shape.strategy is None else Strategy(shape.strategy),
        )

    def _tags(self, shape: RouteShape, key: Literal["require", "prefer", "avoid"], node: Node) -> frozenset[str]:
        tags = cast("list[str]", getattr(shape, key) or [])
        for index, tag in enumerate(tags):
            if self._known.is_tagged and tag not in self._known.tags:
                mark, hint = node.at((key, index)), did_you_mean(tag, self._known.tags)
                self._found.append(mark.finding("E216", f'no channel has the tag "{tag}"', hint))
        return frozenset(tags)


def _meet(listed: str, known: str) -> bool:
    """Whether a listed name or pattern and a known one have a name in common, as far as can be seen."""
    if listed == known or (is_pattern(listed) and Pattern.parse(listed).matches(known)):
        return True
    return is_pattern(known) and Pattern.parse(known).matches(listed)
