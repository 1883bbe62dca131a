from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.graphql.ids import to_id
from clinx.graphql.permissions import Permission
from clinx.graphql.request_logs.addresses import Format
from clinx.graphql.request_logs.writing import shown, writer
from support.database import request_log

LOG = replace(
    request_log("req-1", charge=Amount(20_000)),
    quote=("10 input at 2.5/1000000", "x 0.8 of vip"),
    user_id=1,
    token_id=5,
    group="vip",
    cost=Amount(2_000_000),
)
CALLER: frozenset[Permission] = frozenset()
OPERATOR = frozenset({Permission.REQUEST_LOG_READ, Permission.COST_READ})
SHOWN = {
    "at": "2030-01-01T00:00:00Z",
    "id": to_id("RequestLog", "req-1"),
    "request_id": "req-1",
    "token": to_id("Token", 5),
    "group": "vip",
    "model": "gpt-4o",
    "asked_model": "gpt-4o-high",
    "operation": "chat",
    "dialect": "openai_chat",
    "outcome": "ok",
    "status": 200,
    "stream": False,
    "milliseconds": 250,
    "first_byte_milliseconds": None,
    "input_tokens": 10,
    "output_tokens": 20,
    "is_estimated": True,
    "charge": "0.00002",
    "quote": {
        "lines": [{"unit": "input", "count": 10, "listed": "2.5", "per": 1000000}],
        "factors": [{"factor": "0.8", "group": "vip", "rule": None}],
        "total": "0.00002",
        "is_whole": True,
        "notes": [],
    },
    "usage": {"input": 10, "output": 20},
}
OPERATORS = {
    "user": to_id("User", 1),
    "revision": "r1",
    "channel": "main",
    "upstream_model": "gpt-4o-2024",
    "upstream_id": "up-1",
    "address": "127.0.0.1",
    "refused_by": None,
    "attempts": [
        {"channel": "main", "credential": "0123abcd", "upstream_model": "gpt-4o-2024", "outcome": "ok", "status": 200,
         "seconds": 0.25, "cause": None},
    ],
}  # fmt: skip
COSTS = {"cost": "0.002", "margin": "-0.00198"}


def table(*logs: Any, permissions: frozenset[Permission] = CALLER) -> list[dict[str, str]]:
    head, encode = writer(Format.CSV, shown(permissions.__contains__))
    return list(csv.DictReader(io.StringIO((head + encode(logs)).decode(), newline="")))


@pytest.mark.parametrize(
    ("permissions", "more"),
    [
        (CALLER, {}),
        (frozenset({Permission.REQUEST_LOG_READ}), OPERATORS),
        (frozenset({Permission.COST_READ}), COSTS),
        (OPERATOR, {**OPERATORS, **COSTS}),
    ],
    ids=["caller", "support", "books", "operator"],
)
def test_programs_get_a_line_of_json_for_each(permissions: frozenset[Permission], more: dict[str, Any]):
    head, encode = writer(Format.JSONL, shown(permissions.__contains__))

    lines = (head + encode([LOG, LOG])).decode().splitlines()

    assert [json.loads(line) for line in lines] == [{**SHOWN, **more}] * 2


def test_what_was_not_priced_has_no_quote():
    head, encode = writer(Format.JSONL, shown(CALLER.__contains__))

    assert json.loads(head + encode([replace(LOG, quote=())]))["quote"] is None


def test_spreadsheets_get_a_row_for_each():
    (row,) = table(replace(LOG, quote=("one", "two, three"), stream=True, usage=Usage(input=3, image=1)))

    assert (row["charge"], row["stream"], row["quote"]) == ("0.00002", "true", "one\ntwo, three")
    assert (row["usage_input"], row["usage_image"], row["usage_output"]) == ("3", "1", "")
    assert row["first_byte_milliseconds"] == ""
    assert not {"channel", "cost", "margin"} & row.keys()


def test_operators_see_where_they_went_in_tables_too():
    (row,) = table(LOG, permissions=OPERATOR)

    assert (row["user"], row["channel"], row["address"]) == (to_id("User", 1), "main", "127.0.0.1")
    assert "attempts" not in row


@pytest.mark.parametrize(
    ("cost", "shown_as"),
    [(Amount(5_000), ("0.000005", "0.000015")), (Amount(10**9), ("1", "-0.99998")), (None, ("", ""))],
)
def test_operators_see_what_is_left_and_a_loss_is_a_number(cost: Amount | None, shown_as: tuple[str, str]):
    (row,) = table(replace(LOG, cost=cost), permissions=OPERATOR)

    assert (row["charge"], row["cost"], row["margin"]) == ("0.00002", *shown_as)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"], ids=repr)
def test_nothing_in_a_table_is_a_formula(text: str):
    (row,) = table(replace(LOG, asked_model=text))

    assert row["asked_model"] == f"'{text}"


def test_what_only_looks_like_one_in_the_middle_stays():
    (row,) = table(replace(LOG, asked_model="a=b"))

    assert row["asked_model"] == "a=b"
