"""The model list and its cards: names and vendors, nothing of channels or prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from clinx.domain.catalog import Model

CREATED: Final = 0
"""When a model came to be is not known here, but the format demands an instant."""
UNKNOWN_OWNER: Final = "unknown"


def render_models(models: Sequence[Model]) -> bytes:
    """Write the model list; patterns are left out, for nobody can ask for them by that name."""
    return msgspec.json.encode({"object": "list", "data": [_card(model) for model in models if "*" not in model.name]})


def render_model(model: Model) -> bytes:
    """Write one model card."""
    return msgspec.json.encode(_card(model))


def _card(model: Model) -> Mapping[str, object]:
    return {"id": model.name, "object": "model", "created": CREATED, "owned_by": model.vendor or UNKNOWN_OWNER}
