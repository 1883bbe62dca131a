"""Model lists and their cards in the shapes of three houses: names and limits, nothing of channels or prices.

Patterns are not listed, for nobody can ask for them by that name. A list is one page, however long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import msgspec

from clinx.dialects.google.naming import PREFIX
from clinx.domain.catalog import Model

Card: TypeAlias = Mapping[str, object]

CREATED: Final = 0
"""When a model came to be is not known here, but OpenAI's format demands an instant."""
CREATED_AT: Final = "1970-01-01T00:00:00Z"
"""And so does Anthropic's."""
UNKNOWN_OWNER: Final = "unknown"
METHODS: Final = ("generateContent", "countTokens", "embedContent", "batchEmbedContents")
"""What can be asked of a model in Google's formats; which of it the model takes is not known."""


class Shape(NamedTuple):
    """How one house writes what it offers."""

    card: Callable[[Model], Card]
    page: Callable[[Sequence[Card]], Card]

    def render_models(self, models: Sequence[Model]) -> bytes:
        """Write the whole list."""
        return msgspec.json.encode(self.page([self.card(model) for model in models if "*" not in model.name]))

    def render_model(self, model: Model) -> bytes:
        """Write one model card."""
        return msgspec.json.encode(self.card(model))


def _openai_card(model: Model) -> Card:
    return {"id": model.name, "object": "model", "created": CREATED, "owned_by": model.vendor or UNKNOWN_OWNER}


def _openai_page(cards: Sequence[Card]) -> Card:
    return {"object": "list", "data": cards}


def _anthropic_card(model: Model) -> Card:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name,
        "created_at": CREATED_AT,
        "lifecycle": "active",
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
    }


def _anthropic_page(cards: Sequence[Card]) -> Card:
    ends = {"first_id": cards[0]["id"], "last_id": cards[-1]["id"]} if cards else {"first_id": None, "last_id": None}
    return {"data": cards, "has_more": False, **ends}


def _google_card(model: Model) -> Card:
    limits = {"inputTokenLimit": model.context, "outputTokenLimit": model.max_output}
    return {
        "name": PREFIX + model.name,
        "displayName": model.name,
        **{name: limit for name, limit in limits.items() if limit is not None},
        "supportedGenerationMethods": METHODS,
    }


def _google_page(cards: Sequence[Card]) -> Card:
    return {"models": cards}


OPENAI: Final = Shape(_openai_card, _openai_page)
ANTHROPIC: Final = Shape(_anthropic_card, _anthropic_page)
GOOGLE: Final = Shape(_google_card, _google_page)
