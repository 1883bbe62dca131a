from __future__ import annotations

import pytest

from clinx.dialects.anthropic.codec.generation import (
    generation_of,
    is_adaptive,
    is_claude,
    takes_sampling,
    takes_schemas,
)


@pytest.mark.parametrize(
    ("model", "generation"),
    [
        ("claude-3-7-sonnet-20250219", (3, 7)),
        ("claude-3-haiku-20240307", (3, 0)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-sonnet-4-5-20250929", (4, 5)),
        ("claude-opus-4-5@20251101", (4, 5)),
        ("anthropic/claude-opus-4.6", (4, 6)),
        ("eu.anthropic.claude-opus-4-7-v1:0", (4, 7)),
        ("Claude-Haiku-5-5", (5, 5)),
        ("claude-opus-5", (5, 0)),
        ("claude-mythos-preview", (0, 0)),
        ("deepseek-chat", (0, 0)),
        ("", (0, 0)),
    ],
)
def test_the_name_says_the_generation(model: str, generation: tuple[int, int]) -> None:
    assert generation_of(model) == generation


@pytest.mark.parametrize(
    ("model", "schemas", "adaptive", "sampling"),
    [
        ("claude-sonnet-4-20250514", False, False, True),
        ("claude-sonnet-4-5", True, False, True),
        ("claude-opus-4-6", True, True, True),
        ("claude-opus-4-7", True, True, False),
        ("claude-sonnet-5", True, True, False),
        ("glm-4.6", False, False, True),
    ],
)
def test_what_a_generation_takes(model: str, schemas: bool, adaptive: bool, sampling: bool) -> None:
    assert (takes_schemas(model), is_adaptive(model), takes_sampling(model)) == (schemas, adaptive, sampling)


def test_a_claude_is_one_by_its_name() -> None:
    assert is_claude("my-Claude")
    assert not is_claude("glm-4.6")
