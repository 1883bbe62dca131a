from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from clinx.domain.provider_balance import (
    BalanceQuestion,
    BalanceRule,
    Figure,
    ProviderBalance,
    UnreadableAnswer,
    read_balance,
    read_document,
    written,
)
from clinx.domain.template import Template

QUESTION = BalanceQuestion("GET", Template.parse("/balance"))
RULE = BalanceRule(QUESTION, Figure(("data", 0, "left")), "USD")


def read(rule: BalanceRule, body: str, used: str = "{}") -> tuple[str, str]:
    amount, currency = read_balance(rule, read_document(body.encode()), read_document(used.encode()))
    return f"{amount:f}", currency


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ('"110.00"', "110.00"),
        ("110.10", "110.10"),
        ("0", "0"),
        ("-3.5", "-3.5"),
        ('"-0.000001"', "-0.000001"),
        ("9007199254740993.1", "9007199254740993.1"),
        ("0.1000000000000000055511151231", "0.1000000000000000055511151231"),
        ("1.25e2", "125"),
        ("4.2E-7", "0.00000042"),
    ],
)
def test_an_amount_is_read_digit_for_digit(said: str, amount: str) -> None:
    assert read(RULE, f'{{"data": [{{"left": {said}}}]}}') == (amount, "USD")


@pytest.mark.parametrize(
    "said",
    [
        "true", "[1]", "{}", '""', '"1,000.00"', '"1e5"', '" 1"', '"0x10"', '"\\u0661"', "1e999999", "1e18",
        "1234567890123456789", "NaN", "Infinity", "-Infinity", "null",
    ],
)  # fmt: skip
def test_what_is_no_decimal_is_none(said: str) -> None:
    with pytest.raises(UnreadableAnswer):
        read(RULE, f'{{"data": [{{"left": {said}}}]}}')


@pytest.mark.parametrize(
    "body", ['{"data": []}', '{"data": {"0": 1}}', '{"data": [[5]]}', "[]", "7", '{"data": [{"right": 1}]}']
)
def test_what_does_not_stand_there_is_missed_by_its_place(body: str) -> None:
    with pytest.raises(UnreadableAnswer, match=r"^there is no data\[0\]\.left in the answer$"):
        read(RULE, body)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe\xfd", b"[" * 60_000, b'{"a": 1', b'{"a": 1e99999999999999999999}']
)
def test_what_is_no_json_is_no_answer(body: bytes) -> None:
    with pytest.raises(UnreadableAnswer, match=r"^the answer is no JSON$"):
        read_document(body)


def test_what_was_used_is_taken_off_exactly() -> None:
    rule = replace(RULE, value=Figure(("all",)), minus=Figure(("used",), per=100))

    assert read(rule, '{"all": 20}', '{"used": 1234.567}') == ("7.65433", "USD")
    assert read(rule, '{"all": "0.1"}', '{"used": 30}') == ("-0.2", "USD")


def test_smaller_units_are_divided() -> None:
    assert read(replace(RULE, value=Figure(("quota",), per=500_000)), '{"quota": 1}') == ("0.000002", "USD")


def test_the_last_of_a_list_counts_from_behind() -> None:
    assert read(replace(RULE, value=Figure(("data", -1))), '{"data": [1, 2]}') == ("2", "USD")


def test_a_currency_may_stand_in_the_answer() -> None:
    rule = replace(RULE, value=Figure(("left",)), currency=("money", "code"))

    assert read(rule, '{"left": 1, "money": {"code": "cny"}}') == ("1", "CNY")


@pytest.mark.parametrize("said", ["8", '""', '"¥"', '"a currency"', '"ABCDEFGHIJK"'])
def test_what_is_no_currency_is_none(said: str) -> None:
    rule = replace(RULE, value=Figure(("left",)), currency=("code",))

    with pytest.raises(UnreadableAnswer, match=r"^code is no currency$"):
        read(rule, f'{{"left": 1, "code": {said}}}')


def test_a_balance_shows_all_its_digits_and_no_exponent() -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)

    assert ProviderBalance("f", at, Decimal("1E-9"), "USD").shown == "0.000000001"
    assert ProviderBalance("f", at).shown is None


def test_a_place_is_written_as_the_tree_has_it() -> None:
    assert written(("balance_infos", 0, "total_balance")) == "balance_infos[0].total_balance"
