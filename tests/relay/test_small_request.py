from __future__ import annotations

import pytest

from clinx.dialects.base import Inbound
from clinx.dialects.registry import DIALECTS
from clinx.domain.catalog import UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.template import Template
from clinx.relay.small_request import is_testable, small_request


def _endpoint(dialect: str, operation: Operation) -> UpstreamEndpoint:
    return UpstreamEndpoint(operation, dialect, Template.parse("/"))


ALL = [_endpoint(dialect, operation) for dialect in DIALECTS for operation in Operation]
TESTABLE = [endpoint for endpoint in ALL if is_testable(endpoint)]


@pytest.mark.parametrize("endpoint", TESTABLE, ids=lambda endpoint: f"{endpoint.dialect}-{endpoint.operation}")
def test_a_small_request_is_one_that_its_dialect_takes(endpoint: UpstreamEndpoint) -> None:
    match = {"model": "some/model", "method": "generateContent"}
    inbound = Inbound("POST", "", match, {}, {}, small_request(endpoint, "some/model"))

    envelope = DIALECTS[endpoint.dialect].open_request(endpoint.operation, inbound)

    assert (envelope.model, envelope.stream) == ("some/model", False)
    assert envelope.prompt_bytes < 200


def test_every_chat_format_and_embeddings_can_be_tested_and_counting_cannot() -> None:
    kinds = {(endpoint.dialect, endpoint.operation) for endpoint in TESTABLE}

    assert {dialect for dialect, operation in kinds if operation is Operation.CHAT} >= {
        "anthropic",
        "gemini",
        "openai_chat",
        "openai_responses",
    }
    assert ("openai_embeddings", Operation.EMBED) in kinds
    assert not is_testable(_endpoint("anthropic", Operation.COUNT_TOKENS))
    assert not is_testable(None)
