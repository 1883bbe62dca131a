"""What the rules say about one exchange: one pass over those that may concern it, in order.

Rules see what earlier ones made of the request: its model and its body. What they say adds up; where only one can be
right (a pinned channel, a strategy, a number of attempts), the last word counts. The first ``deny`` ends it. ``allow``
is checked at the end, when it is known what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from hashlib import blake2b
from typing import cast

from msgspec import structs

from clinx.domain.operation import Operation
from clinx.domain.steering import FREE, Steer
from clinx.errors import GatewayError, PolicyRefused
from clinx.policies.allow import refusal
from clinx.policies.draft import Draft
from clinx.policies.edits import apply_edits
from clinx.policies.facts import MODEL, Facts, scope
from clinx.policies.headers import edited
from clinx.policies.policy_set import PolicySet
from clinx.policies.rule import Allow, Deny, Multiply, Retry, Rewrite, Rule, Stick
from clinx.policies.verdict import ONE, SILENT, HeaderChange, Stickiness, Verdict

LONGEST_MODEL = 200
"""Characters of a name that a rule may make; the tree's own are no longer."""


def judge(policies: PolicySet, facts: Facts, served: str | None = None) -> Verdict:
    """Return what the rules say.

    ``served`` is what the model is called already, of an answer that was made: rules see it so, and as it was asked
    for it passes all the same.

    Raises:
        InvalidRequest: a rule looked at a member of the body that holds bytes which are no text.
    """
    if not policies.rules:
        return SILENT
    model, draft = served or facts.model, Draft(facts.body)
    found = policies.index.find(facts, model, draft)
    return _Court(policies, facts, model, draft).run(found) if found else SILENT


def may_take_long(policies: PolicySet, facts: Facts) -> bool:
    """Tell whether judging may take as long as the body is; itself it takes no time, and decodes nothing."""
    index = policies.index
    return index.reads_body or bool(policies.rules and index.find(facts, facts.model, Draft(facts.body)))


def visible(policies: PolicySet, facts: Facts, names: Iterable[str]) -> tuple[str, ...]:
    """Return those models that ``allow`` rules leave to a caller; ``facts`` are those of whoever asks for a list."""
    if not policies.listing:
        return tuple(names)
    return tuple(name for name in names if _is_left(policies.listing, structs.replace(facts, model=name)))


def _is_left(rules: Sequence[Rule], facts: Facts) -> bool:
    names = scope(facts, facts.model, Draft(facts.body))
    selecting = (rule for rule in rules if rule.when is None or rule.when(names))
    return all(cast("Allow", rule.verb).has_model(facts.model) for rule in selecting)


class _Court:
    """The rules that matched so far, and what they said."""

    def __init__(self, policies: PolicySet, facts: Facts, model: str, draft: Draft) -> None:
        self._policies = policies
        self._facts = facts
        self._model = self._found_as = model
        self._draft = draft
        self._scope = scope(facts, model, draft)
        self._rules: list[Rule] = []
        self._allows: list[tuple[Rule, Allow]] = []
        self._gated: list[Rule] = []
        self._guards: list[Rule] = []
        self._headers: dict[str, HeaderChange] = {}
        self._factors: list[tuple[str, Fraction]] = []
        self._steer = FREE
        self._stick: Stickiness | None = None
        self._attempts: int | None = None
        self._thinking: bool | None = None

    def run(self, found: Sequence[int]) -> Verdict:
        """Try the rules at these positions, and at others that a change of the request has made worth a try."""
        waiting = list(reversed(found))
        while waiting:
            position = waiting.pop()
            rule = self._policies.rules[position]
            if rule.when is not None and not rule.when(self._scope):
                continue
            self._rules.append(rule)
            if isinstance(rule.verb, Deny):
                return self._refused(rule, PolicyRefused(rule.verb.message or _refused_by(rule)))
            self._obey(rule)
            if changed := self._changed():
                again = self._policies.index.find_anew(self._facts, self._model, self._draft, changed)
                waiting = sorted({*waiting, *(each for each in again if each > position)}, reverse=True)
        return self._verdict() if self._rules else SILENT

    def _obey(self, rule: Rule) -> None:
        match rule.verb:
            case Allow() as allow:
                self._allows.append((rule, allow))
            case Rewrite() as rewrite:
                self._rewrite(rewrite)
            case Steer() as steer:
                self._steer = _merged(self._steer, steer)
            case Stick() as stick:
                self._stick_to(rule, stick)
            case Retry(attempts):
                self._attempts = attempts
            case Multiply(price):
                self._factors.append((rule.name, price))
            case _:
                (self._guards if rule.word == "guard" else self._gated).append(rule)

    def _rewrite(self, rewrite: Rewrite) -> None:
        # All that a rule says is worked out before any of it is done: it sees the request as it came to it.
        model = rewrite.model(self._scope) if rewrite.model is not None else None
        if rewrite.headers is not None:
            for change in edited(rewrite.headers, self._facts.headers, self._scope):
                self._headers[change.name.lower()] = change
        if self._facts.operation is Operation.STORED:
            return  # What is asked about has been made: its model is what it is, and the question has no body.
        apply_edits(rewrite.edits, self._draft, self._scope)
        if isinstance(model, str) and 0 < len(model) <= LONGEST_MODEL and model.isprintable():
            self._model = self._scope["model"] = model
        if rewrite.thinking_to_content is not None:
            self._thinking = rewrite.thinking_to_content

    def _changed(self) -> Sequence[tuple[str, ...]]:
        """Return what was changed since this was asked last."""
        members = [("request", name) for name in self._draft.fresh()]
        if self._model == self._found_as:
            return members
        self._found_as = self._model
        return [*members, MODEL]

    def _stick_to(self, rule: Rule, stick: Stick) -> None:
        key = stick.key(self._scope)
        if isinstance(key, str | int | float) and key != "":
            self._stick = Stickiness(f"{rule.name}\0{key}", stick.ttl)

    def _verdict(self) -> Verdict:
        for rule, allow in self._allows:
            if (problem := refusal(rule, allow, self._facts, self._model)) is not None:
                return self._refused(rule, problem)
        return Verdict(
            rules=tuple(self._rules),
            model=self._model if self._model != self._facts.model else None,
            changes=self._draft.changes(),
            headers=tuple(self._headers.values()),
            steer=self._steer,
            stick=self._sealed(),
            attempts=self._attempts,
            factor=_product(price for _, price in self._factors),
            factors=tuple(self._factors),
            gated=tuple(rule.verb for rule in self._gated),  # pyright: ignore[reportArgumentType]  (of these words)
            guards=tuple(rule.verb for rule in self._guards),  # pyright: ignore[reportArgumentType]  (of this word)
            thinking_to_content=self._thinking,
        )

    def _sealed(self) -> Stickiness | None:
        """Bind a key to what is asked of whom: another model has other channels. Its text is kept by nobody."""
        if self._stick is None:
            return None
        whole = f"{self._facts.group}\0{self._model}\0{self._stick.key}"
        return Stickiness(blake2b(whole.encode("utf-8", "replace"), digest_size=16).hexdigest(), self._stick.ttl)

    def _refused(self, rule: Rule, error: GatewayError) -> Verdict:
        return Verdict(rules=tuple(self._rules), refusal=error.said_by(rule.name), refused_by=rule)


def _refused_by(rule: Rule) -> str:
    return f"The rule {rule.name!r} of this gateway refuses this request."


def _merged(one: Steer, other: Steer) -> Steer:
    return Steer(
        require=one.require | other.require,
        prefer=one.prefer | other.prefer,
        avoid=one.avoid | other.avoid,
        pinned=other.pinned or one.pinned,
        strategy=other.strategy or one.strategy,
    )


def _product(factors: Iterable[Fraction]) -> Fraction:
    whole = ONE
    for factor in factors:
        whole *= factor
    return whole
