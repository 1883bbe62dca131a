from __future__ import annotations

import pytest

from clinx.dialects.registry import DIALECTS, EMBEDDINGS, dialect_for_path, speaker
from clinx.domain.catalog import Endpoint
from clinx.domain.operation import Operation


def test_every_dialect_is_found_by_its_name() -> None:
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {
        "openai_chat": "openai_chat",
        "openai_embeddings": "openai_embeddings",
        "anthropic": "anthropic",
        "gemini": "gemini",
        "openai_responses": "openai_responses",
    }


def test_no_two_endpoints_are_the_same() -> None:
    endpoints = [(e.method, e.path) for dialect in DIALECTS.values() for e in dialect.endpoints]

    assert len(set(endpoints)) == len(endpoints)
    assert [(method, path) for method, path in sorted(endpoints) if "beta" not in path and ":." not in path] == [
        ("DELETE", "/v1/responses/{response}"),
        ("GET", "/v1/models"),
        ("GET", "/v1/responses/{response}"),
        ("GET", "/v1/responses/{response}/{about:input_items}"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/messages"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/responses"),
        ("POST", "/v1/responses/{response}/{about:cancel}"),
    ]


def test_every_endpoint_names_its_own_dialect() -> None:
    assert all(e.dialect == dialect.name for dialect in DIALECTS.values() for e in dialect.endpoints)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/embeddings/x", "openai_embeddings"),
        ("/v1/chat/completion", "openai_chat"),
        ("/v1/unknown", "openai_chat"),
        ("/v1/messages/batches", "anthropic"),
        ("/", "openai_chat"),
        ("", "openai_chat"),
        ("/v2/embeddings", "openai_chat"),
    ],
)
def test_a_path_nobody_owns_is_answered_by_its_nearest_dialect(path: str, name: str) -> None:
    assert dialect_for_path(path).name == name


@pytest.mark.parametrize(
    ("operation", "headers", "name"),
    [
        (Operation.LIST_MODELS, {}, "openai_chat"),
        (Operation.LIST_MODELS, {"anthropic-version": "2023-06-01"}, "anthropic"),
        (Operation.SHOW_MODEL, {"anthropic-version": "2023-06-01"}, "anthropic"),
        (Operation.CHAT, {"anthropic-version": "2023-06-01"}, "openai_chat"),
    ],
)
def test_callers_at_one_path_are_told_apart_by_their_headers(
    operation: Operation, headers: dict[str, str], name: str
) -> None:
    assert speaker(Endpoint("GET", "/v1/models", "openai_chat", operation), headers).name == name


def test_every_dialect_that_embeds_can_be_translated() -> None:
    embeds = {Operation.EMBED, Operation.EMBED_BATCH}
    offering = {name for name, each in DIALECTS.items() if embeds & {endpoint.operation for endpoint in each.endpoints}}

    assert EMBEDDINGS.keys() == offering
