"""The model list and its cards: names and limits, nothing of channels or prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from clinx.dialects.gemini.naming import PREFIX
from clinx.domain.catalog import Model

METHODS: Final = ("generateContent", "countTokens", "embedContent", "batchEmbedContents")
"""What can be asked of a model here; which of it the model takes is not known."""


def render_models(models: Sequence[Model]) -> bytes:
    """Write the whole list as one page; patterns are left out, for nobody can ask for them by that name."""
    return msgspec.json.encode({"models": [_card(model) for model in models if "*" not in model.name]})


def render_model(model: Model) -> bytes:
    """Write one model card."""
    return msgspec.json.encode(_card(model))


def _card(model: Model) -> Mapping[str, object]:
    limits = {"inputTokenLimit": model.context, "outputTokenLimit": model.max_output}
    return {
        "name": PREFIX + model.name,
        "displayName": model.name,
        **{name: limit for name, limit in limits.items() if limit is not None},
        "supportedGenerationMethods": METHODS,
    }
