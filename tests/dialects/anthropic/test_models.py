from __future__ import annotations

import json

from clinx.dialects.anthropic.models import render_model, render_models
from clinx.domain.catalog import Model
from clinx.domain.pricing import FREE

CARD = {
    "type": "model",
    "id": "claude",
    "display_name": "claude",
    "created_at": "1970-01-01T00:00:00Z",
    "lifecycle": "active",
    "max_input_tokens": 200_000,
    "max_tokens": 8192,
}
CLAUDE = Model("claude", FREE, context=200_000, max_output=8192)


def test_a_card_has_the_name_and_the_limits() -> None:
    assert json.loads(render_model(CLAUDE)) == CARD


def test_the_list_is_one_page_without_patterns() -> None:
    page = json.loads(render_models([CLAUDE, Model("claude-*", FREE), Model("other", FREE)]))

    assert page["data"][0] == CARD
    assert [card["id"] for card in page["data"]] == ["claude", "other"]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "claude", "other")


def test_an_empty_list_has_no_ends() -> None:
    assert json.loads(render_models([])) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
