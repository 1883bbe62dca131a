"""The model list and its cards: names and limits, nothing of channels or prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from clinx.domain.catalog import Model

CREATED: Final = "1970-01-01T00:00:00Z"
"""What the format says where it is not known when a model came to be."""


def render_models(models: Sequence[Model]) -> bytes:
    """Write the whole list as one page; patterns are left out, for nobody can ask for them by that name."""
    cards = [_card(model) for model in models if "*" not in model.name]
    ends = {"first_id": cards[0]["id"], "last_id": cards[-1]["id"]} if cards else {"first_id": None, "last_id": None}
    return msgspec.json.encode({"data": cards, "has_more": False, **ends})


def render_model(model: Model) -> bytes:
    """Write one model card."""
    return msgspec.json.encode(_card(model))


def _card(model: Model) -> Mapping[str, object]:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": CREATED,
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }
