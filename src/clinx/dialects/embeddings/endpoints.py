"""The paths of this dialect."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "openai_embeddings"

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/embeddings", NAME, Operation.EMBED),
    Endpoint("POST", "/v1beta/openai/embeddings", NAME, Operation.EMBED),
)
