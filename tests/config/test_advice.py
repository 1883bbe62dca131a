from __future__ import annotations

from pathlib import Path

import pytest

from clinx.billing.estimate import DEFAULT_MAX_OUTPUT
from support.tree import SMALL, findings


def said(tmp_path: Path, text: str) -> list[str]:
    return [str(each) for each in findings(tmp_path, {"gateway.yaml": text})]


def priced(model: str) -> str:
    return f"models: {{m: {model}}}\nchannels: [{{name: c, provider: echo, models: [m]}}]\n"


@pytest.mark.parametrize(
    "model",
    [
        "{price: {input: 1, output: 2, per: 1M}}",
        "{price: {output: 2, per: 1M}}",
        "{price: {input: 1, reasoning: 2, per: 1M}}",
        "{price: [{upto: 1k, input: 0, per: 1}, {input: 0, output: 1, per: 1}]}",
        "{price: {call: 1, when: [{if: 'request.n > 1', output: 1, per: 1k}]}}",
        "{ratio: {model: 1}}",
    ],
)
def test_a_priced_answer_without_a_bound_is_a_warning(tmp_path: Path, model: str) -> None:
    bounded = model.removesuffix("}") + ", max_output: 16k}"

    assert said(tmp_path, priced(model)) == [
        (
            f'gateway.yaml:1:10 W307 model "m" has no max_output: {DEFAULT_MAX_OUTPUT:,} tokens are held '
            "for each answer (say how long its longest answer is, such as max_output: 16k)"
        )
    ]
    assert said(tmp_path, priced(bounded)) == []


@pytest.mark.parametrize(
    "model",
    [
        "{price: free}",
        "{price: {call: 1}}",
        "{price: {input: 1, output: 0, per: 1M}}",
        "{price: {input: 1, cache_read: 1, per: 1M}}",
    ],
)
def test_where_no_answer_is_priced_none_is_expected(tmp_path: Path, model: str) -> None:
    assert said(tmp_path, priced(model)) == []


def test_a_body_of_a_few_bytes_is_a_warning(tmp_path: Path) -> None:
    assert said(tmp_path, SMALL + "server: {max_body: 32}\n") == [
        'gateway.yaml:6:20 W309 "max_body" is 32 bytes: hardly any request fits (name a factor, such as 32MiB)'
    ]
    assert said(tmp_path, SMALL + "server: {max_body: 1023}\n") != []
    assert said(tmp_path, SMALL + "server: {max_body: 1KiB}\n") == []


@pytest.mark.parametrize(("text", "place"), [("version: 1\n", "1:1"), ("version: 1\nchannels: []\n", "2:1")])
def test_a_tree_without_channels_is_a_warning(tmp_path: Path, text: str, place: str) -> None:
    assert said(tmp_path, text) == [
        f'gateway.yaml:{place} W214 there are no channels: nothing can be called (list them under "channels")'
    ]


def test_the_channels_of_an_included_file_count(tmp_path: Path) -> None:
    files = {"gateway.yaml": "include: [more.yaml]\n", "more.yaml": SMALL}

    assert findings(tmp_path, files) == ()


def test_channels_that_may_be_missing_for_another_reason_are_not_missed(tmp_path: Path) -> None:
    files = {"gateway.yaml": "include: [torn.yaml]\n", "torn.yaml": "channels: ["}

    assert [each.code for each in findings(tmp_path, files)] == ["E101"]
