"""Recorded requests and answers of each format, and what the other format makes of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from clinx.canonical.embedding import EmbeddingRequest
from clinx.dialects.base import Inbound, Target
from clinx.dialects.registry import DIALECTS, EMBEDDINGS
from clinx.domain.operation import Operation
from dialects import golden

OPENAI, GOOGLE = EMBEDDINGS["openai_embeddings"], EMBEDDINGS["gemini"]
ASKED = EmbeddingRequest("m", ())


def read(dialect: str, kind: str, name: str) -> tuple[EmbeddingRequest, Any]:
    given, expected = golden.read(dialect, kind, name)
    is_batch = "requests" in json.loads(given)
    inbound = Inbound("POST", "/", {"model": "m"}, {}, {}, given)
    envelope = DIALECTS[dialect].open_request(Operation.EMBED_BATCH if is_batch else Operation.EMBED, inbound)
    return EMBEDDINGS[dialect].decode_request(envelope), expected


@pytest.mark.parametrize("name", golden.cases("openai_embeddings", "requests"))
def test_what_google_s_vendor_is_asked_for_openai_s_caller(name: str) -> None:
    request, expected = read("openai_embeddings", "requests", name)

    encoded = GOOGLE.encode_request(request, Target("vendor"), Operation.EMBED_BATCH)

    assert json.loads(encoded.body) == expected["sent"]
    assert {loss.path: loss.severity.value for loss in encoded.losses} == expected["losses"]


@pytest.mark.parametrize("name", golden.cases("gemini", "embedding_requests"))
def test_what_openai_s_vendor_is_asked_for_google_s_caller(name: str) -> None:
    request, expected = read("gemini", "embedding_requests", name)

    encoded = OPENAI.encode_request(request, Target("vendor"), Operation.EMBED)

    assert json.loads(encoded.body) == expected["sent"]
    assert {loss.path: loss.severity.value for loss in encoded.losses} == expected["losses"]


@pytest.mark.parametrize("name", golden.cases("openai_embeddings", "responses"))
def test_what_google_s_caller_is_told_by_openai_s_vendor(name: str) -> None:
    given, expected = golden.read("openai_embeddings", "responses", name)

    told = GOOGLE.encode_answer(OPENAI.decode_answer(given), ASKED, Operation.EMBED_BATCH)

    assert json.loads(told) == expected["told"]


@pytest.mark.parametrize("name", golden.cases("gemini", "embedding_responses"))
def test_what_openai_s_caller_is_told_by_google_s_vendor(name: str) -> None:
    given, expected = golden.read("gemini", "embedding_responses", name)

    told = OPENAI.encode_answer(GOOGLE.decode_answer(given), ASKED, Operation.EMBED)

    assert json.loads(told) == expected["told"]
