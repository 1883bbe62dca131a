"""``limit`` and ``budget`` of a rule to the values that the gate counts by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Node
from clinx.config.policy_schema import RuleShape
from clinx.domain.money import NANO, Amount
from clinx.policies.budget import BudgetRule, Per
from clinx.policies.limit import LimitRule, Measure
from clinx.policies.subject import Scope
from clinx.state.base import MOST

_MEASURES: Final = ", ".join(Measure)


def compile_limit(shape: RuleShape, node: Node, found: list[Diagnostic]) -> LimitRule | None:
    """Compile a limit; ``node`` is the verb's. None when something is wrong with it, which is then in ``found``."""
    limit = shape.limit
    if limit is None:
        return None
    given = {Measure(name): value for name in Measure if (value := getattr(limit, name)) is not None}
    if len(given) != 1:
        said = f"this one has {' and '.join(given)}" if given else "this one has none"
        code = "E303" if given else "E302"
        found.append(node.mark.finding(code, f"a limit counts exactly one of {_MEASURES}: {said}"))
        return None
    measure, value = next(iter(given.items()))
    most = value.nano if isinstance(value, Amount) else value
    sound = [
        _has_room(most, node, measure, found),
        _has_window(measure, limit.per, node, found),
        _counts_requests(measure, limit.count, node, found),
    ]
    scopes = _scopes(limit.of, frozenset(Scope), node, found)
    if scopes is None or not all(sound):
        return None
    return LimitRule(
        name=shape.name,
        measure=measure,
        most=most,
        milliseconds=0 if limit.per is None else limit.per * 1000,
        sliding=limit.window == "sliding",
        of=scopes,
        success_only=limit.count == "success",
        closed=limit.fail == "closed",
        message=limit.message,
        place=_place(node),
    )


def compile_budget(shape: RuleShape, node: Node, found: list[Diagnostic]) -> BudgetRule | None:
    """Compile a budget; ``node`` is the verb's. None when something is wrong with it, which is then in ``found``."""
    budget = shape.budget
    if budget is None:
        return None
    has_room = _has_room(budget.amount.nano, node, Measure.AMOUNT, found)
    scopes = _scopes(budget.of, frozenset(Scope) - {Scope.ADDRESS, Scope.CHANNEL}, node, found)
    if scopes is None or not has_room:
        return None
    return BudgetRule(
        name=shape.name,
        amount=budget.amount,
        per=Per(budget.per),
        of=scopes,
        closed=budget.fail == "closed",
        message=budget.message,
        place=_place(node),
    )


def _has_room(most: int, node: Node, measure: Measure, found: list[Diagnostic]) -> bool:
    """Refuse what no shared counter compares exactly, and amounts of nothing: `deny` says that better."""
    if most < 1:
        found.append(node.at([measure]).finding("E303", "a limit of nothing lets nobody in", "Use deny."))
    elif most > MOST:
        largest = f"{MOST // NANO:,}" if measure is Measure.AMOUNT else f"{MOST:,}"
        found.append(node.at([measure]).finding("E303", f"too large to be counted exactly: at most {largest}"))
    return 1 <= most <= MOST


def _has_window(measure: Measure, per: int | None, node: Node, found: list[Diagnostic]) -> bool:
    is_at_once = measure is Measure.CONCURRENCY
    if is_at_once and "per" in node.map:
        found.append(node.key_at(["per"]).finding("E303", "calls at a time have no window", "Leave out per."))
    elif not is_at_once and per is None:
        found.append(node.mark.finding("E302", f"{measure} are counted in a window", "Add per: 1m, 1h or 1d."))
    return is_at_once == (per is None)


def _counts_requests(measure: Measure, count: str, node: Node, found: list[Diagnostic]) -> bool:
    """Calls that fail use no tokens and cost nothing, and hold their slot like others."""
    if count == "all" or measure is Measure.REQUESTS:
        return True
    found.append(node.at(["count"]).finding("E303", f"only requests can be counted by their outcome, not {measure}"))
    return False


def _scopes(
    given: str | Sequence[str], known: frozenset[Scope], node: Node, found: list[Diagnostic]
) -> tuple[Scope, ...] | None:
    names = [given] if isinstance(given, str) else given
    if unknown := [name for name in names if name not in known]:
        kept = ", ".join(scope for scope in Scope if scope in known)
        found.append(node.at(["of"]).finding("E303", f"what was spent is kept by {kept}, not by {unknown[0]}"))
        return None
    if len(set(names)) != len(names):
        found.append(node.at(["of"]).finding("E303", "a scope is named twice"))
        return None
    return tuple(Scope(name) for name in names)


def _place(node: Node) -> str:
    return f"{node.mark.file}:{node.mark.line}:{node.mark.column}"
