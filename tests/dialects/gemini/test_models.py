from __future__ import annotations

import json

from clinx.dialects.gemini.models import METHODS, render_model, render_models
from clinx.domain.catalog import Model
from clinx.domain.pricing import FREE


def test_a_card_says_what_is_known() -> None:
    card = json.loads(render_model(Model("gemini-pro", FREE, context=8000, max_output=1000)))

    assert card == {
        "name": "models/gemini-pro",
        "displayName": "gemini-pro",
        "inputTokenLimit": 8000,
        "outputTokenLimit": 1000,
        "supportedGenerationMethods": list(METHODS),
    }


def test_limits_that_nobody_knows_are_left_out() -> None:
    assert set(json.loads(render_model(Model("m", FREE)))) == {"name", "displayName", "supportedGenerationMethods"}


def test_the_list_has_no_patterns() -> None:
    listed = json.loads(render_models([Model("a", FREE), Model("b-*", FREE)]))

    assert [model["name"] for model in listed["models"]] == ["models/a"]
