from __future__ import annotations

import pytest

from clinx.dialects.masking import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Incorrect API key provided: sk-abc. Look here", "Incorrect API key provided: …. Look here"),
        ("sk-proj-AbC*****xyz!", "…!"),
        ("key=SK_live_1", "key=…"),
        ("Bearer abc.def is wrong", "Bearer … is wrong"),
        ("Authorization: bearer x", "Authorization: bearer …"),
        ("AIzaSyA1234567890abcdefghijklmnop", "…"),
        ("no 3f2504e0-4f89-11d3-9a0c-0305e82c3301!", "no …!"),
        ("deadbeefdeadbeefdeadbeef", "…"),
        ("abcdefghijklmnopqrstuvwxyz", "…"),
        ("the-key-of-the-operator-1", "…"),
        ("connect to 10.0.0.1:8080 failed at 10.1.2.3.", "connect to … failed at …."),
        ("1.2.3.4/24", "…/24"),
        ("[2001:db8::1]:443 and [fe80::1%eth0], ::1", "… and …, …"),
        ("2001:db8:0:0:0:0:0:1 said no", "… said no"),
        ("::ffff:10.0.0.1", "…"),
        ("https://user:pw@internal.host:8443/v1/x?y=1 nope", "https://…/v1/x?y=1 nope"),
        ("see HTTP://host", "see HTTP://…"),
    ],
)
def test_keys_hosts_and_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Invalid value for 'messages[0].content[1].image_url.url': expected a URL.",
        "Unknown parameter: 'response_format.json_schema.schema'.",
        "content_policy_violation",
        "model_context_window_exceeded",
        "This model's maximum context length is 128000 tokens.",
        "a risk-averse, disk-based task-sk at 12:30:45, ratio 1:2, std::string, version 1.2.3",
    ],
)
def test_plain_words_stay(text: str) -> None:
    assert masked(text) == text
