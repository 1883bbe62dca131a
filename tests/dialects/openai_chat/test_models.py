from __future__ import annotations

import json

from clinx.dialects.openai_chat.models import render_model, render_models
from clinx.domain.catalog import Model
from clinx.domain.pricing import FREE

GPT = Model("openai/gpt-4o", FREE, vendor="openai", context=128_000, tags=("secret",))
OWN = Model("own", FREE)


def test_a_card_says_name_and_owner_and_nothing_else() -> None:
    assert json.loads(render_model(GPT)) == {
        "id": "openai/gpt-4o",
        "object": "model",
        "created": 0,
        "owned_by": "openai",
    }
    assert json.loads(render_model(OWN)) == {"id": "own", "object": "model", "created": 0, "owned_by": "unknown"}


def test_the_list_holds_the_cards_in_their_order() -> None:
    assert json.loads(render_models([OWN, GPT])) == {
        "object": "list",
        "data": [json.loads(render_model(OWN)), json.loads(render_model(GPT))],
    }
    assert json.loads(render_models([])) == {"object": "list", "data": []}


def test_a_pattern_is_not_listed() -> None:
    assert json.loads(render_models([Model("gpt-*", FREE)])) == {"object": "list", "data": []}
