from __future__ import annotations

from dataclasses import replace as with_changes
from datetime import UTC, datetime

from msgspec.structs import replace

from clinx.domain.money import Amount
from clinx.domain.request_log import Attempt
from clinx.relay.inquiries.log_story import as_json, as_text
from clinx.relay.rehearsal import NOBODY
from support.database import request_log

LOG = replace(
    request_log("req-1", charge=Amount(20_000)),
    quote=("10 input at 2.5/1000000", "x 0.8 of vip"),
    at=datetime(2030, 1, 1, tzinfo=UTC),
    user_id=3,
    token_id=7,
    group="vip",
    attempts=(
        Attempt("spare", "0123abcd", "gpt-4o", "upstream_overloaded", 429, 0.5, "status 429: slow down"),
        Attempt("main", "0123abcd", "gpt-4o-2024", "ok", 200, 0.25),
    ),
    first_byte_seconds=0.1,
    stream=True,
)
ANN = with_changes(NOBODY, id=3, name="ann")


def test_a_log_is_told_as_a_story() -> None:
    assert as_text(LOG, ANN).splitlines() == [
        "call      req-1, 2030-01-01 00:00:00 UTC, chat in openai_chat, streamed, revision r1",
        "caller    ann (3), token 7, group vip, from 127.0.0.1",
        "model     gpt-4o-high -> gpt-4o by a rule -> gpt-4o-2024 by the mapping of main",
        "attempts  1. spare (key 0123abcd): upstream_overloaded 429 after 0.500 s (status 429: slow down)",
        "          2. main (key 0123abcd): ok 200 after 0.250 s",
        "outcome   ok, status 200, 0.250 s, first byte after 0.100 s, the upstream calls it up-1",
        "usage     input 10, output 20, estimated",
        "price     10 input at 2.5/1000000",
        "          x 0.8 of vip",
        "charge    0.00002",
    ]


def test_a_log_of_before_that_says_too_little_of_its_price_says_so() -> None:
    old = replace(LOG, quote=("10 input at 2.5/1000000",))

    assert "price     10 input at 2.5/1000000\n          not all that it was priced by was written down" in (
        as_text(old, ANN)
    )


def test_a_call_that_nobody_saw_the_end_of_says_on_what_terms_it_was_charged() -> None:
    assert "price     estimated: metered\ncharge" in as_text(replace(LOG, quote=("estimated: metered",)), ANN)


def test_a_refusal_names_its_rule() -> None:
    refused = replace(LOG, outcome="policy_refused", status=403, refused_by="no-night", upstream_id=None)

    assert "outcome   policy_refused, by the rule no-night, status 403, 0.250 s, first byte after 0.100 s" in (
        as_text(refused, ANN).splitlines()
    )
    assert as_json(refused, ANN)["refused_by"] == "no-night"


def test_what_is_not_known_is_not_told() -> None:
    bare = replace(
        LOG, user_id=None, token_id=None, group=None, address=None, model=None, asked_model=None, attempts=()
    )

    assert as_text(bare, None).splitlines()[1:3] == ["caller    nobody known", "model     none was named"]


def test_a_log_of_before_asks_for_the_model_it_was_served() -> None:
    old = replace(LOG, asked_model=None, upstream_model="gpt-4o")

    assert as_json(old, None)["asked_model"] == "gpt-4o"
    assert "model     gpt-4o\n" in as_text(old, None)


def test_programs_are_told_the_same() -> None:
    said = as_json(LOG, ANN)

    assert said["user"] == {"id": 3, "name": "ann"}
    assert said["charge"] == "0.00002"
    assert [each["outcome"] for each in said["attempts"]] == ["upstream_overloaded", "ok"]
    assert [each["cause"] for each in said["attempts"]] == ["status 429: slow down", None]


def test_what_it_cost_us_is_told_where_it_is_known() -> None:
    dear = replace(LOG, cost=Amount(26_000))

    assert as_text(dear, ANN).splitlines()[-2:] == ["charge    0.00002", "cost      0.000026, which leaves -0.000006"]
    assert (as_json(dear, ANN)["cost"], as_json(dear, ANN)["margin"]) == ("0.000026", "-0.000006")
    assert (as_json(LOG, ANN)["cost"], as_json(LOG, ANN)["margin"]) == (None, None)
