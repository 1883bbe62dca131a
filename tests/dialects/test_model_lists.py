from __future__ import annotations

import json

from clinx.dialects.model_lists import ANTHROPIC, GOOGLE, METHODS, OPENAI
from clinx.domain.catalog import Model
from clinx.domain.pricing import FREE

GPT = Model("openai/gpt-4o", FREE, vendor="openai", context=128_000, tags=("secret",))
OWN = Model("own", FREE)


def test_openai_s_card_says_name_and_owner_and_nothing_else() -> None:
    assert json.loads(OPENAI.render_model(GPT)) == {
        "id": "openai/gpt-4o",
        "object": "model",
        "created": 0,
        "owned_by": "openai",
    }
    assert json.loads(OPENAI.render_model(OWN)) == {"id": "own", "object": "model", "created": 0, "owned_by": "unknown"}


def test_openai_s_list_holds_the_cards_in_their_order() -> None:
    assert json.loads(OPENAI.render_models([OWN, GPT])) == {
        "object": "list",
        "data": [json.loads(OPENAI.render_model(OWN)), json.loads(OPENAI.render_model(GPT))],
    }
    assert json.loads(OPENAI.render_models([])) == {"object": "list", "data": []}


def test_openai_s_list_has_no_patterns() -> None:
    assert json.loads(OPENAI.render_models([Model("gpt-*", FREE)])) == {"object": "list", "data": []}


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


def test_anthropic_s_card_has_the_name_and_the_limits() -> None:
    assert json.loads(ANTHROPIC.render_model(CLAUDE)) == CARD


def test_anthropic_s_list_is_one_page_without_patterns() -> None:
    page = json.loads(ANTHROPIC.render_models([CLAUDE, Model("claude-*", FREE), Model("other", FREE)]))

    assert page["data"][0] == CARD
    assert [card["id"] for card in page["data"]] == ["claude", "other"]
    assert (page["has_more"], page["first_id"], page["last_id"]) == (False, "claude", "other")


def test_anthropic_s_empty_list_has_no_ends() -> None:
    assert json.loads(ANTHROPIC.render_models([])) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


def test_google_s_card_says_what_is_known() -> None:
    card = json.loads(GOOGLE.render_model(Model("gemini-pro", FREE, context=8000, max_output=1000)))

    assert card == {
        "name": "models/gemini-pro",
        "displayName": "gemini-pro",
        "inputTokenLimit": 8000,
        "outputTokenLimit": 1000,
        "supportedGenerationMethods": list(METHODS),
    }


def test_google_s_card_leaves_out_limits_that_nobody_knows() -> None:
    assert set(json.loads(GOOGLE.render_model(Model("m", FREE)))) == {
        "name",
        "displayName",
        "supportedGenerationMethods",
    }


def test_google_s_list_has_no_patterns() -> None:
    listed = json.loads(GOOGLE.render_models([Model("a", FREE), Model("b-*", FREE)]))

    assert [model["name"] for model in listed["models"]] == ["models/a"]
