"""The paths of this dialect. The model list is at OpenAI's path: the registry tells callers apart."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "anthropic"

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/messages", NAME, Operation.CHAT),
    Endpoint("POST", "/v1/messages/count_tokens", NAME, Operation.COUNT_TOKENS),
)
