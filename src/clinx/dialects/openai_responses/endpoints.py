"""The paths of this dialect."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "openai_responses"

ENDPOINTS: Final = (
    Endpoint("POST", "/v1/responses", NAME, Operation.CHAT),
    Endpoint("GET", "/v1/responses/{response}", NAME, Operation.STORED),
    Endpoint("DELETE", "/v1/responses/{response}", NAME, Operation.STORED),
    Endpoint("POST", "/v1/responses/{response}/{about:cancel}", NAME, Operation.STORED),
    Endpoint("GET", "/v1/responses/{response}/{about:input_items}", NAME, Operation.STORED),
)
