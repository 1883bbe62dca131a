from __future__ import annotations

import pytest
from multidict import CIMultiDict

from clinx.dialects.credentials import find_credential


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer sk-a"}, {}),
        ({"authorization": "bearer   sk-a "}, {}),
        ({"Authorization": "sk-a"}, {}),
        ({"X-Api-Key": "sk-a"}, {}),
        ({"X-Goog-Api-Key": " sk-a "}, {}),
        ({"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.sk-a, openai-beta.realtime-v1"}, {}),
        ({}, {"key": "sk-a"}),
        ({"Authorization": "Bearer sk-a", "X-Api-Key": "sk-b"}, {"key": "sk-c"}),
        ({"X-Api-Key": "sk-a", "X-Goog-Api-Key": "sk-b"}, {"key": "sk-c"}),
        ({"Authorization": "Bearer ", "X-Api-Key": "sk-a"}, {}),
        ({"Authorization": "Basic dTpw", "X-Api-Key": "sk-a"}, {}),
        ({"Authorization": "", "X-Api-Key": ""}, {"key": "sk-a"}),
        ({"Authorization": "Bearer " + "x" * 513, "X-Api-Key": "sk-a"}, {}),
    ],
)
def test_the_key_is_found_where_clients_put_it(headers: dict[str, str], query: dict[str, str]) -> None:
    assert find_credential(CIMultiDict(headers), query) == "sk-a"


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        ({"Authorization": "Bearer"}, {}),
        ({"Authorization": "Bearer a b"}, {}),
        ({"Authorization": "Basic dTpw"}, {}),
        ({"Sec-WebSocket-Protocol": "realtime"}, {}),
        ({"Sec-WebSocket-Protocol": "openai-insecure-api-key."}, {}),
        ({}, {"key": ""}),
        ({"X-Api-Key": "x" * 513}, {}),
    ],
)
def test_without_a_key_there_is_none(headers: dict[str, str], query: dict[str, str]) -> None:
    assert find_credential(CIMultiDict(headers), query) is None
