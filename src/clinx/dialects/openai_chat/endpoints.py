"""The paths of this dialect."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "openai_chat"

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/chat/completions", NAME, Operation.CHAT),
    Endpoint("POST", "/v1/completions", NAME, Operation.COMPLETE),
    Endpoint("GET", "/v1/models", NAME, Operation.LIST_MODELS),
    # Model names hold slashes: `openai/gpt-4o`.
    Endpoint("GET", "/v1/models/{model:.+}", NAME, Operation.SHOW_MODEL),
    # Where clients look for this format that were set up for Google's address.
    Endpoint("POST", "/v1beta/openai/chat/completions", NAME, Operation.CHAT),
    Endpoint("GET", "/v1beta/openai/models", NAME, Operation.LIST_MODELS),
    Endpoint("GET", "/v1beta/openai/models/{model:.+}", NAME, Operation.SHOW_MODEL),
)
