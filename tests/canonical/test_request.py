from __future__ import annotations

import pytest

from clinx.canonical.content import Part, Text, ToolCall, ToolResult
from clinx.canonical.request import (
    ChatRequest,
    Effort,
    Role,
    ThinkingWish,
    Turn,
    alternating,
    named_results,
    system_first,
)

A, B, C = Text("a"), Text("b"), Text("c")
CALL = ToolCall("c1", "find", "{}")
RESULT = ToolResult("c1", (Text("found"),))


def user(*parts: Part, name: str | None = None) -> Turn:
    return Turn(Role.USER, parts, name)


def assistant(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, parts)


def test_late_instructions_join_the_first_ones() -> None:
    request = ChatRequest("m", (user(A), Turn(Role.SYSTEM, (B,)), assistant(C)), system=(C,))

    assert system_first(request) == ChatRequest("m", (user(A), assistant(C)), system=(C, B))


def test_a_request_without_late_instructions_is_itself() -> None:
    request = ChatRequest("m", (user(A),), system=(C,))

    assert system_first(request) is request


def test_neighbours_of_one_role_become_one_turn_with_results_first() -> None:
    turns = (user(A, name="ann"), user(B, RESULT), assistant(C), assistant(CALL), user(RESULT))

    assert alternating(turns) == (user(RESULT, A, B), assistant(C, CALL), user(RESULT))


def test_results_are_named_after_the_calls_they_answer() -> None:
    stray, said = ToolResult("other", ()), ToolResult("c1", (), name="own")

    turns = named_results((assistant(CALL), user(A, RESULT, stray, said)))

    assert turns == (assistant(CALL), user(A, ToolResult("c1", (Text("found"),), name="find"), stray, said))


@pytest.mark.parametrize(
    ("wish", "effort", "is_off"),
    [
        (ThinkingWish(), None, False),
        (ThinkingWish(Effort.HIGH, budget=1), Effort.HIGH, False),
        (ThinkingWish(Effort.NONE), Effort.NONE, True),
        (ThinkingWish(budget=0), Effort.NONE, True),
        (ThinkingWish(budget=-1), None, False),
        (ThinkingWish(budget=1500), Effort.LOW, False),
        (ThinkingWish(budget=5000), Effort.MEDIUM, False),
        (ThinkingWish(budget=5001), Effort.HIGH, False),
    ],
)
def test_a_wish_for_thinking_in_words(wish: ThinkingWish, effort: Effort | None, is_off: bool) -> None:
    assert (wish.as_effort(), wish.is_off) == (effort, is_off)
