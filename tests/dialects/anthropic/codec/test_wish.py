from __future__ import annotations

from typing import Any

import pytest

from clinx.canonical.content import Signature, Text, Thinking, ToolCall, ToolResult
from clinx.canonical.request import ChatRequest, Effort, Role, ThinkingWish, Turn
from clinx.dialects.anthropic.codec.wish import encode_wish

OLD, NEW, OTHER = "claude-sonnet-4-5", "claude-opus-5", "glm-4.6"
CALL = Turn(Role.ASSISTANT, (ToolCall("t", "f", "{}"),))
RESULT = Turn(Role.USER, (ToolResult("t", (Text("42"),)),))


def asked(wish: ThinkingWish | None, model: str, *turns: Turn, most: int = 100_000, forced: bool = False) -> Any:
    request = ChatRequest("m", turns or (Turn(Role.USER, (Text("Hi"),)),), thinking=wish)
    members, loss = encode_wish(request, model, most, is_forced=forced)
    return members, loss and (loss.path, loss.severity.value)


def budget(tokens: int) -> dict[str, Any]:
    return {"thinking": {"type": "enabled", "budget_tokens": tokens}}


@pytest.mark.parametrize(
    ("wish", "model", "members"),
    [
        (None, OLD, {}),
        (ThinkingWish(Effort.NONE), NEW, {"thinking": {"type": "disabled"}}),
        (ThinkingWish(budget=0), OLD, {"thinking": {"type": "disabled"}}),
        (ThinkingWish(Effort.NONE), OTHER, {}),
        (ThinkingWish(Effort.LOW), OLD, budget(2048)),
        (ThinkingWish(Effort.HIGH), OTHER, budget(16384)),
        (ThinkingWish(), OLD, budget(8192)),
        (ThinkingWish(budget=-1), OLD, budget(8192)),
        (ThinkingWish(budget=3000), OLD, budget(3000)),
        (ThinkingWish(budget=10), OLD, budget(1024)),
        (
            ThinkingWish(Effort.LOW, shown=True),
            OLD,
            {"thinking": {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}},
        ),
        (ThinkingWish(), NEW, {"thinking": {"type": "adaptive"}}),
        (ThinkingWish(Effort.MINIMAL), NEW, {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}),
        (
            ThinkingWish(budget=9000, shown=False),
            NEW,
            {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "high"}},
        ),
    ],
)
def test_old_models_get_a_budget_and_new_ones_an_effort(wish: ThinkingWish | None, model: str, members: Any) -> None:
    assert asked(wish, model) == (members, None)


def test_a_budget_leaves_room_for_what_is_said() -> None:
    assert asked(ThinkingWish(Effort.HIGH), OLD, most=4096) == (budget(3276), None)


@pytest.mark.parametrize(
    ("model", "turns", "most", "forced"),
    [
        (OLD, (), 1279, False),
        (OLD, (), 100_000, True),
        (NEW, (), 100_000, True),
        (OLD, (CALL, RESULT), 100_000, False),
        (OLD, (Turn(Role.ASSISTANT, (Thinking("hm", Signature("gemini", "s")), *CALL.parts)), RESULT), 100_000, False),
    ],
)
def test_thinking_gives_way_to_what_it_does_not_go_with(model: str, turns: Any, most: int, forced: bool) -> None:
    assert asked(ThinkingWish(Effort.LOW), model, *turns, most=most, forced=forced) == ({}, ("thinking", "harmless"))


@pytest.mark.parametrize(
    "turns",
    [
        (Turn(Role.ASSISTANT, (Thinking("hm", Signature("anthropic", "s")), *CALL.parts)), RESULT),
        (Turn(Role.ASSISTANT, (Thinking("", redacted=Signature("anthropic", "s")), *CALL.parts)), RESULT),
        (CALL, RESULT, Turn(Role.ASSISTANT, (Text("done"),)), Turn(Role.USER, (Text("and now?"),))),
        (RESULT,),
        (Turn(Role.ASSISTANT, (Text("done"),)), RESULT),
    ],
)
def test_thinking_goes_on_where_its_thoughts_are_there_or_not_missed(turns: tuple[Turn, ...]) -> None:
    assert asked(ThinkingWish(Effort.LOW), OLD, *turns) == (budget(2048), None)


def test_new_models_do_not_miss_their_thoughts() -> None:
    members, loss = asked(ThinkingWish(), NEW, CALL, RESULT)

    assert (members, loss) == ({"thinking": {"type": "adaptive"}}, None)
