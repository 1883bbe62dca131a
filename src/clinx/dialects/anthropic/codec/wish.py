"""How much thinking is asked for, as this format says it: a budget of old models, an effort of new ones.

Thoughts have their price: a model that thinks takes no other sampling, cannot be forced to call, and, where it has a
budget, wants its own signed thoughts back with the calls it made. Where these do not go together, thinking gives way:
what a caller of another format asked for in passing must not cost the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from clinx.canonical.content import Thinking, ToolCall, ToolResult
from clinx.canonical.request import ChatRequest, Effort, Role, ThinkingWish
from clinx.dialects.anthropic.codec.generation import is_adaptive, is_claude
from clinx.dialects.anthropic.endpoints import NAME
from clinx.dialects.base import Loss
from clinx.dialects.losses import harmless

LEAST_BUDGET: Final = 1024
"""The vendor takes no smaller one."""

_BUDGETS: Final[Mapping[Effort | None, int]] = {
    Effort.MINIMAL: LEAST_BUDGET,
    Effort.LOW: 2048,
    Effort.MEDIUM: 8192,
    None: 8192,
    Effort.HIGH: 16384,
    Effort.MAX: 32000,
}
_EFFORTS: Final[Mapping[Effort, str]] = {
    Effort.MINIMAL: "low",
    Effort.LOW: "low",
    Effort.MEDIUM: "medium",
    Effort.HIGH: "high",
    Effort.MAX: "max",
}
_OFF: Final[Mapping[str, object]] = {"type": "disabled"}

Members = Mapping[str, object]


def encode_wish(request: ChatRequest, model: str, most: int, *, is_forced: bool) -> tuple[Members, Loss | None]:
    """Return the members that ask for thinking, and what of the wish is lost.

    Args:
        request: what is asked.
        model: the upstream's name for the model.
        most: the bound of the answer, thoughts included.
        is_forced: a call is demanded.
    """
    wish = request.thinking
    if wish is None:
        return {}, None
    if wish.is_off:
        return ({"thinking": _OFF} if is_claude(model) else {}), None
    if is_forced:
        return _without("This model does not think where a call is demanded.")
    return (_adaptive(wish), None) if is_adaptive(model) else _budgeted(wish, request, most)


def _without(detail: str) -> tuple[Members, Loss | None]:
    return {}, harmless("thinking", detail)


def _budgeted(wish: ThinkingWish, request: ChatRequest, most: int) -> tuple[Members, Loss | None]:
    budget = _budget(wish, most)
    if budget is None:
        return _without("The answer's bound leaves no room for thinking.")
    if _lacks_thoughts(request):
        return _without("The model's thoughts before its last calls are missing.")
    return {"thinking": {"type": "enabled", "budget_tokens": budget, **_display(wish)}}, None


def _adaptive(wish: ThinkingWish) -> Members:
    effort = wish.as_effort()
    members: dict[str, object] = {"thinking": {"type": "adaptive", **_display(wish)}}
    return members if effort is None else {**members, "output_config": {"effort": _EFFORTS[effort]}}


def _display(wish: ThinkingWish) -> Mapping[str, str]:
    return {} if wish.shown is None else {"display": "summarized" if wish.shown else "omitted"}


def _budget(wish: ThinkingWish, most: int) -> int | None:
    """Return a budget that leaves a fifth of the answer for what is said; None if there is none."""
    wanted = wish.budget if wish.budget is not None and wish.budget > 0 else _BUDGETS[wish.effort]
    budget = min(max(wanted, LEAST_BUDGET), most * 4 // 5)
    return budget if budget >= LEAST_BUDGET else None


def _lacks_thoughts(request: ChatRequest) -> bool:
    """Whether the conversation goes on after calls that came without thoughts this vendor knows."""
    turns = [turn for turn in request.turns if turn.role is not Role.SYSTEM]
    if not turns or not any(isinstance(part, ToolResult) for part in turns[-1].parts):
        return False
    calling = next((turn for turn in reversed(turns) if turn.role is Role.ASSISTANT), None)
    if calling is None or not any(isinstance(part, ToolCall) for part in calling.parts):
        return False
    return not any(isinstance(part, Thinking) and _is_known(part) for part in calling.parts)


def _is_known(part: Thinking) -> bool:
    return any(proof is not None and proof.dialect == NAME for proof in (part.signature, part.redacted))
