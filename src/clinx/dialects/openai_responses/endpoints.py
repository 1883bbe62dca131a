"""The paths of this dialect."""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "openai_responses"

ENDPOINTS: Final = (Endpoint("POST", "/v1/responses", NAME, Operation.CHAT),)
