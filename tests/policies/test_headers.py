from __future__ import annotations

import pytest
from multidict import CIMultiDict

from clinx.policies.headers import Readable, edited, is_protected
from clinx.policies.rule import HeaderEdits
from clinx.policies.verdict import HeaderChange

CALLERS = CIMultiDict({"X-Trace": "t1", "Anthropic-Beta": "b", "X-Broken": "a\r\nX-Injected: 1"})


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie", "X-Api-Key", "api-key", "x-goog-api-key", "Key",
        "Ocp-Apim-Subscription-Key", "X-Amz-Security-Token", "x-auth-request-user", "Host", "Connection",
        "Content-Length", "Transfer-Encoding", "Content-Type", "X-Client-Secret", "Proxy-Connection",
        "Sec-WebSocket-Protocol", "Clinx-Channel", "X-JWT", "X-Passwd", "X-User-Pass", "X-Session-Token", "X-Api-Keys",
    ],
)  # fmt: skip
def test_credentials_and_the_connection_are_nobody_s_to_touch(name: str) -> None:
    assert is_protected(name)


@pytest.mark.parametrize(
    "name", ["X-Trace", "anthropic-beta", "OpenAI-Beta", "X-Session-Id", "X-Monkey", "Idempotency-Id"]
)
def test_other_headers_are_free(name: str) -> None:
    assert not is_protected(name)


def test_headers_are_deleted_passed_copied_and_set() -> None:
    edits = HeaderEdits(
        set=(("X-User", lambda scope: scope["user"]), ("X-None", lambda _: None), ("X-Number", lambda _: 7)),
        delete=("X-Gone",),
        copy=(("x-trace", "X-Upstream-Trace"), ("X-Missing", "X-Other")),
        passed=("anthropic-beta", "X-Missing"),
    )

    assert list(edited(edits, CALLERS, {"user": "alice"})) == [
        HeaderChange("X-Gone", None),
        HeaderChange("anthropic-beta", "b"),
        HeaderChange("X-Upstream-Trace", "t1"),
        HeaderChange("X-User", "alice"),
        HeaderChange("X-Number", "7"),
    ]


def test_text_that_would_begin_another_header_is_left_out() -> None:
    edits = HeaderEdits(set=(("X-A", lambda _: "a\nX-B: c"), ("X-C", lambda _: "€")), passed=("X-Broken",))

    assert list(edited(edits, CALLERS, {})) == []


def test_rules_see_what_is_no_credential() -> None:
    seen = Readable(CIMultiDict({"X-Trace": "t1", "Authorization": "Bearer x", "Host": "eu", "X-API-Key": "y"}))

    assert (dict(seen), len(seen)) == ({"X-Trace": "t1", "Host": "eu"}, 2)
    assert (seen["x-trace"], seen.get("x-trace"), seen.get("none", 1)) == ("t1", "t1", 1)
    assert (seen.get("authorization"), "x-api-key" in seen) == (None, False)
    with pytest.raises(KeyError):
        seen["authorization"]
