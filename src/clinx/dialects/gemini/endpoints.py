"""The paths of this dialect: the method follows the model's name, which may hold slashes and colons.

At OpenAI's `/v1/models` the registry tells callers apart.
"""

from __future__ import annotations

from typing import Final

from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation

NAME: Final = "gemini"

_METHODS: Final = (
    ("{method:generateContent|streamGenerateContent}", Operation.CHAT),
    ("countTokens", Operation.COUNT_TOKENS),
    ("embedContent", Operation.EMBED),
    ("batchEmbedContents", Operation.EMBED_BATCH),
)

ENDPOINTS: Final = (
    Endpoint("GET", "/v1beta/models", NAME, Operation.LIST_MODELS),
    Endpoint("GET", "/v1beta/models/{model:.+}", NAME, Operation.SHOW_MODEL),
    *(
        Endpoint("POST", f"/{version}/models/{{model:.+}}:{method}", NAME, operation)
        for version in ("v1beta", "v1")
        for method, operation in _METHODS
    ),
)
