from __future__ import annotations

import pytest

from clinx.dialects.registry import DIALECTS, dialect_for_path


def test_every_dialect_is_found_by_its_name() -> None:
    assert {name: dialect.name for name, dialect in DIALECTS.items()} == {
        "openai_chat": "openai_chat",
        "openai_embeddings": "openai_embeddings",
    }


def test_no_two_endpoints_are_the_same() -> None:
    endpoints = [(e.method, e.path) for dialect in DIALECTS.values() for e in dialect.endpoints]

    assert sorted(endpoints) == [
        ("GET", "/v1/models"),
        ("GET", "/v1/models/{model:.+}"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/completions"),
        ("POST", "/v1/embeddings"),
    ]


def test_every_endpoint_names_its_own_dialect() -> None:
    assert all(e.dialect == dialect.name for dialect in DIALECTS.values() for e in dialect.endpoints)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/embeddings/x", "openai_embeddings"),
        ("/v1/chat/completion", "openai_chat"),
        ("/v1/unknown", "openai_chat"),
        ("/", "openai_chat"),
        ("", "openai_chat"),
        ("/v2/embeddings", "openai_chat"),
    ],
)
def test_a_path_nobody_owns_is_answered_by_its_nearest_dialect(path: str, name: str) -> None:
    assert dialect_for_path(path).name == name
