from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clinx.domain.money import Amount
from clinx.domain.pricing import Price
from clinx.domain.usage import Usage
from support.tree import codes, compile_files

ONE = Fraction(1)


def price(tmp_path: Path, text: str) -> Price:
    files = {"gateway.yaml": f"models: {{m: {text}}}\nchannels: [{{name: c, provider: echo, models: [m]}}]\n"}
    model = compile_files(tmp_path, files).snapshot.model("m")
    assert model is not None
    return model.price


def total(price: Price, usage: Usage, **facts: object) -> str:
    return str(price.total(usage, ONE, facts))


def test_amounts_written_as_numbers_are_exact(tmp_path: Path) -> None:
    quoted = price(tmp_path / "a", '{price: {input: "0.15", output: "2.50", per: 1M}}')
    plain = price(tmp_path / "b", "{price: {input: 0.15, output: 2.50, per: 1M}}")

    assert quoted == plain
    assert total(plain, Usage(input=1_000_000, output=1)) == "0.1500025"


def test_per_counts_tokens_and_characters_while_the_rest_is_priced_one_by_one(tmp_path: Path) -> None:
    mixed = price(
        tmp_path, '{price: {input: "1", character: "2", call: "3", image: "4", second: "5", search: "6", per: 1k}}'
    )

    assert total(mixed, Usage(input=1000)) == "1"
    assert total(mixed, Usage(character=1000)) == "2"
    assert total(mixed, Usage(call=1, image=1, second=1, search=1)) == "18"


def test_a_case_replaces_the_rates_and_takes_over_per(tmp_path: Path) -> None:
    cased = price(
        tmp_path,
        '{price: {input: "1", per: 1k, when: [{if: "request.size == \'big\'", input: "5"}, {if: "true", call: "9"}]}}',
    )

    assert total(cased, Usage(input=1000), request={"size": "big"}) == "5"
    assert total(cased, Usage(input=1000, call=1), request={}) == "9"


def test_tiers_are_chosen_by_the_whole_prompt(tmp_path: Path) -> None:
    tiered = price(
        tmp_path,
        "{price: [{upto: 1k, input: 1, per: 1}, {upto: 2k, input: 2, per: 1}, {input: 3, cache_read: 3, per: 1}]}",
    )

    assert [total(tiered, Usage(input=n)) for n in (1000, 1001, 2000, 2001)] == ["1000", "2002", "4000", "6003"]
    assert total(tiered, Usage(input=1000, cache_read=1001)) == "6003"


@pytest.mark.parametrize(
    ("ratio", "usage", "charge"),
    [
        ("{model: 15}", Usage(input=1_000_000), "30"),
        ("{model: 15}", Usage(output=1_000_000), "30"),
        ("{model: 15, completion: 2}", Usage(output=1_000_000), "60"),
        ("{model: 15, cache: 0.5}", Usage(cache_read=1_000_000), "15"),
        ("{model: 15}", Usage(cache_read=1_000_000), "30"),
        ("{model: 1, cache_write: 1.25}", Usage(cache_write=1_000_000), "2.5"),
        ("{model: 1, audio: 16}", Usage(audio_input=1_000_000), "32"),
        ("{model: 1, audio: 16, audio_completion: 2}", Usage(audio_output=1_000_000), "64"),
        ("{model: 1, audio_completion: 2}", Usage(audio_output=1_000_000), "4"),
    ],
)
def test_ratios_mean_two_dollars_a_million(tmp_path: Path, ratio: str, usage: Usage, charge: str) -> None:
    assert total(price(tmp_path, f"{{ratio: {ratio}}}"), usage) == charge


def test_free_costs_nothing(tmp_path: Path) -> None:
    free = price(tmp_path, "{price: free}")

    assert free.is_free
    assert free.total(Usage(input=10**9, output=10**9), ONE, {}) == Amount(0)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{price: {per: 1M}}", "E305"),
        ("{price: {input: 1}}", "E305"),
        ("{price: {call: 1, when: [{if: 'true', per: 1}]}}", "E305"),
        ("{price: [{upto: 1k, input: 1, per: 1}]}", "E305"),
        ("{price: []}", "E303"),
        ("{price: [{upto: 2k, input: 1, per: 1}, {upto: 2k, input: 1, per: 1}, {input: 1, per: 1}]}", "E305"),
        ("{price: 5}", "E303"),
        ("{price: {input: [1], per: 1}}", "E303"),
        ("{price: free, ratio: {model: 1}}", "E305"),
        ("{}", "E205"),
        ("{price: {call: 1, when: [{if: 'x', call: 1}]}}", "E306"),
    ],
)
def test_what_is_no_price(tmp_path: Path, text: str, code: str) -> None:
    files = {"gateway.yaml": f"models: {{m: {text}}}\nchannels: [{{name: c, provider: echo, models: [m]}}]\n"}

    assert [each.split(" ")[1] for each in codes(tmp_path, files)] == [code]
