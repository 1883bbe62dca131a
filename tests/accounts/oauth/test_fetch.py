from collections.abc import Mapping
from typing import Any

import pytest

from clinx.accounts.failures import AccountError
from clinx.accounts.oauth.fetch import get, is_safe, post


class Answers:
    """The same answer to everybody, or a failure."""

    def __init__(self, answer: tuple[int, bytes] | OSError) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, Mapping[str, str], bytes | None]] = []

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        self.asked.append((method, url, headers, body))
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


async def refused(answers: Answers, url: str = "https://id.example/x") -> str:
    with pytest.raises(AccountError) as caught:
        await get(answers, url, shape=dict[str, Any])
    return caught.value.code


async def test_json_is_read_into_its_shape():
    answers = Answers((200, b'{"a": 1}'))

    assert await get(answers, "https://id.example/x", shape=dict[str, int]) == {"a": 1}
    assert answers.asked == [("GET", "https://id.example/x", {"Accept": "application/json"}, None)]


async def test_a_form_is_sent_with_its_headers():
    answers = Answers((200, b"{}"))

    assert (
        await post(answers, "https://id.example/x", {"a": "b c&", "é": ""}, headers={"Authorization": "Basic x"}) == {}
    )
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": "Basic x",
    }
    assert answers.asked == [("POST", "https://id.example/x", headers, b"a=b+c%26&%C3%A9=")]


@pytest.mark.parametrize("status", [201, 301, 302, 400, 401, 404])
async def test_what_is_not_granted_is_refused(status: int):
    assert await refused(Answers((status, b"{}"))) == "issuer_refused"


@pytest.mark.parametrize(
    "answer",
    [
        (500, b"{}"),
        (503, b"{}"),
        (429, b"{}"),
        (200, b""),
        (200, b"[1]"),
        (200, b"<html>"),
        (200, b"\xff"),
        (200, b'{"a":"\xff"}'),
        (200, b"[" * 100_000),
        TimeoutError(),
        ConnectionError("no"),
    ],
    ids=lambda answer: repr(answer)[:20],
)
async def test_an_issuer_that_makes_no_sense_is_away(answer: Any):
    assert await refused(Answers(answer)) == "issuer_unavailable"


@pytest.mark.parametrize(
    "url",
    ["http://id.example/x", "ftp://id.example", "//id.example", "", "https://", "http://[::1", "http://10.0.0.1/"],
)
async def test_nothing_is_asked_where_it_could_be_read_on_the_way(url: str):
    answers = Answers((200, b"{}"))

    assert await refused(answers, url) == "issuer_unavailable"
    assert answers.asked == []


def test_loopback_needs_no_encryption():
    assert [is_safe(url) for url in ("http://localhost:1/", "http://127.9.9.9", "http://[::1]:8/", "https://a")] == [
        True
    ] * 4
