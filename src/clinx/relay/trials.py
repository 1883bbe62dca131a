"""Runs the tests of a tree: rehearse what is given, compare it with what is expected.

A refusal that no test expects fails it. That the tree does not offer the model does so only where a test asks about
channels, groups or prices: rules are shipped for models that not every tree has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Final, cast

import msgspec
from multidict import CIMultiDict

from clinx.config.diagnostics import Diagnostic, did_you_mean, ordered
from clinx.config.document import DocumentReader
from clinx.config.nodes import json_text
from clinx.config.policy_tests import ExpectedPrice, GivenShape, PolicyTest, read_tests
from clinx.config.snapshot import Snapshot
from clinx.config.tree import Tree
from clinx.dialects.body import JsonBody
from clinx.domain.identity import Role, Status, Token, User
from clinx.domain.operation import Operation
from clinx.domain.usage import Usage
from clinx.errors import GatewayError, InvalidRequest, ModelNotFound, codes
from clinx.relay.rehearsal import NOON, Case, Rehearsal, rehearse

FAILED: Final = "E601"
"""The code of a test that failed."""
_GATED: Final = frozenset({"limit", "budget"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One test that was run."""

    test: PolicyTest
    findings: tuple[Diagnostic, ...]

    @property
    def is_good(self) -> bool:
        """Whether all is as expected."""
        return not self.findings


@dataclass(frozen=True, slots=True)
class Trials:
    """All tests of a tree."""

    unread: tuple[Diagnostic, ...]
    """What was wrong with their files."""
    run: tuple[Trial, ...]

    @property
    def findings(self) -> tuple[Diagnostic, ...]:
        """Everything that stands in the way."""
        return ordered((*self.unread, *(each for trial in self.run for each in trial.findings)))


def try_tree(snapshot: Snapshot, tree: Tree, reader: DocumentReader | None = None) -> Trials:
    """Run every test that a tree holds against what it compiles to."""
    found: list[Diagnostic] = []
    tests = read_tests(tree, reader or DocumentReader(), found)
    return Trials(ordered(found), tuple(Trial(test, _named(test, _compared(snapshot, test))) for test in tests))


def verify(snapshot: Snapshot, tree: Tree) -> Sequence[Diagnostic]:
    """Return why a tree that compiles must not be served: its tests fail."""
    return try_tree(snapshot, tree).findings


def _named(test: PolicyTest, findings: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Say of which test a finding is; one without a name is known by its place alone."""
    name = test.shape.name
    return tuple(
        findings if name is None else (replace(each, message=f'test "{name}": {each.message}') for each in findings)
    )


def _compared(snapshot: Snapshot, test: PolicyTest) -> Iterator[Diagnostic]:
    case = _case(snapshot, test)
    if isinstance(case, Diagnostic):
        yield case
        return
    yield from _Comparison(snapshot, test, rehearse(snapshot, case)).findings()


def _case(snapshot: Snapshot, test: PolicyTest) -> Case | Diagnostic:
    given = test.shape.given
    operations = {endpoint.operation.value for endpoint in snapshot.endpoints}
    if given.operation not in operations:
        mark = test.node.at(("given", "operation"))
        hint = did_you_mean(given.operation, operations)
        return mark.finding("E303", f'"operation": nobody can ask for "{given.operation}"', hint)
    operation = Operation(given.operation)
    dialects = list(dict.fromkeys(each.dialect for each in snapshot.endpoints if each.operation is operation))
    if given.dialect is not None and given.dialect not in dialects:
        hint = did_you_mean(given.dialect, dialects) or f"expected one of {', '.join(dialects)}"
        return test.node.at(("given", "dialect")).finding("E204", f'no "{operation}" in "{given.dialect}"', hint)
    try:
        body = _body(given)
    except InvalidRequest as error:
        return test.node.at(("given", "body")).finding("E303", f'"body": {error.message}')
    return Case(
        model=given.model,
        user=_user(given),
        token=_token(given),
        operation=operation,
        dialect=given.dialect or dialects[0],
        stream=given.stream,
        body=body,
        headers=CIMultiDict(given.header),
        address=given.address,
        at=given.now or NOON,
    )


def _body(given: GivenShape) -> JsonBody:
    streamed = {"stream": True} if given.stream else {}
    return JsonBody.parse(json_text({"model": given.model, **streamed, **given.body}))


def _user(given: GivenShape) -> User:
    user = given.user
    return User(user.id, user.name, Role(user.role), Status.ACTIVE, given.group or user.group, NOON)


def _token(given: GivenShape) -> Token:
    token = given.token
    return Token(
        id=token.id,
        user_id=given.user.id,
        name=token.name,
        hint="",
        status=Status.ACTIVE,
        models=frozenset(token.models),
        group=token.group,
        tags=token.tags,
    )


class _Comparison:
    """One rehearsal against what one test expects of it."""

    def __init__(self, snapshot: Snapshot, test: PolicyTest, rehearsal: Rehearsal) -> None:
        self._snapshot = snapshot
        self._test = test
        self._expect = test.shape.expect
        self._got = rehearsal

    def findings(self) -> Iterator[Diagnostic]:
        """Yield every difference."""
        yield from self._refusal()
        if self._expect.refused is not None and self._got.refusal is not None:
            return
        checks: tuple[Callable[[], Iterator[Diagnostic]], ...] = (self._request, self._way, self._rules, self._price)
        for check in checks:
            yield from check()

    def _refusal(self) -> Iterator[Diagnostic]:
        refusal, expected = self._got.refusal, self._expect.refused
        if expected is not None:
            got = refusal.code if refusal is not None else None
            hint = did_you_mean(expected, codes()) if expected not in codes() else None
            yield from self._same("refused", expected, got, hint)
        elif refusal is not None and not self._is_aside(refusal):
            mark = self._test.node.at(("given",))
            yield mark.finding(FAILED, f"refused: {refusal.code}: {refusal.message}", refusal.hint)

    def _is_aside(self, refusal: GatewayError) -> bool:
        """Whether nobody asked about what could not be found."""
        expect = self._expect
        asked = expect.channels is not None or expect.price is not None or expect.group is not None
        return isinstance(refusal, ModelNotFound) and not asked

    def _request(self) -> Iterator[Diagnostic]:
        expect, verdict = self._expect, self._got.verdict
        if expect.model is not None:
            yield from self._same("model", expect.model, self._got.model)
        if expect.body:
            body = self._got.body
            for name, value in cast("dict[str, Any]", msgspec.json.decode(json_text(expect.body))).items():
                got = body.value(name)
                if not _is_within(value, got):
                    yield self._finding(("expect", "body", name), f"body.{name}", value, got)
        added = CIMultiDict({change.name: change.value for change in verdict.headers})
        for name, value in expect.headers.items():
            if added.get(name) != value:
                yield self._finding(("expect", "headers", name), f"headers.{name}", value, added.get(name))

    def _way(self) -> Iterator[Diagnostic]:
        expect, candidates = self._expect, self._got.candidates
        if expect.channels is not None:
            unknown = next((name for name in expect.channels if name not in self._snapshot.channels), None)
            hint = did_you_mean(unknown, self._snapshot.channels) if unknown is not None else None
            yield from self._same("channels", expect.channels, [each.channel.name for each in candidates], hint)
        if expect.group is not None:
            yield from self._same("group", expect.group, candidates[0].group.name if candidates else None)
        verdict = self._got.verdict
        if expect.attempts is not None:
            yield from self._same("attempts", expect.attempts, verdict.attempts)
        if expect.thinking_to_content is not None:
            yield from self._same("thinking_to_content", expect.thinking_to_content, verdict.thinking_to_content)

    def _rules(self) -> Iterator[Diagnostic]:
        rules = self._got.verdict.rules
        lists: tuple[tuple[str, list[str] | None, Iterable[str]], ...] = (
            ("rules", self._expect.rules, (rule.name for rule in rules)),
            ("limits", self._expect.limits, (rule.name for rule in rules if rule.word in _GATED)),
        )
        known = [rule.name for rule in self._snapshot.policies.rules]
        for key, expected, got in lists:
            if expected is not None:
                unknown = next((name for name in expected if name not in known), None)
                yield from self._same(key, expected, list(got), did_you_mean(unknown, known) if unknown else None)

    def _price(self) -> Iterator[Diagnostic]:
        factor = self._expect.factor
        if factor is not None and factor != self._got.verdict.factor:
            yield self._finding(("expect", "factor"), "factor", _decimal(factor), _decimal(self._got.verdict.factor))
        if self._expect.price is not None:
            yield from self._amounts(self._expect.price)

    def _amounts(self, price: ExpectedPrice) -> Iterator[Diagnostic]:
        rates = self._got.rates(Usage())
        for unit, amount in price.amounts():
            rate = rates.rate(unit) if rates is not None else None
            got = None if rate is None else rate.amount * (price.per or rate.per) / rate.per
            if got != amount:
                shown = "nothing" if got is None else _decimal(got)
                yield self._finding(("expect", "price", unit.value), f"price.{unit}", _decimal(amount), shown)

    def _same(self, key: str, expected: object, got: object, hint: str | None = None) -> Iterator[Diagnostic]:
        if expected != got:
            yield self._finding(("expect", key), key, expected, got, hint)

    def _finding(
        self, path: tuple[str, ...], key: str, expected: object, got: object, hint: str | None = None
    ) -> Diagnostic:
        message = f'"{key}": expected {_shown(expected)}, got {_shown(got)}'
        return self._test.node.at(path).finding(FAILED, message, hint)


def _is_within(expected: object, got: object) -> bool:
    """Whether all that is expected is there; inside maps, what is not named may be anything."""
    if isinstance(expected, dict) and isinstance(got, dict):
        there = cast("dict[str, object]", got)
        named = cast("dict[str, object]", expected)
        return all(_is_within(value, there.get(name)) for name, value in named.items())
    return expected == got and isinstance(expected, bool) == isinstance(got, bool)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


_LONGEST: Final = 200
"""Characters of a value that a finding quotes."""


def _decimal(value: Fraction) -> str:
    return f"{value.numerator / value.denominator:.12g}"
