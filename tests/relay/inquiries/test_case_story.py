from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from clinx.config.snapshot import Snapshot
from clinx.domain.usage import Usage
from clinx.relay.inquiries.case_story import as_json, as_text
from clinx.relay.rehearsal import NO_TOKEN, Case, rehearse
from support.rehearsals import BEFORE, served

ROUTE = "- {name: eu-only, when: model == 'small', route: {require: [eu]}}\n"
USED = Usage(input=1000, output=200, call=1)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    files = {**BEFORE, "policies/rules.yaml": BEFORE["policies/rules.yaml"] + ROUTE}
    return served(tmp_path_factory.mktemp("tree"), files).snapshot


def test_a_request_that_nobody_sent_is_told_rule_by_rule_and_price_by_price(snapshot: Snapshot) -> None:
    case = Case("small-high", token=replace(NO_TOKEN, group="vip"), at=datetime(2026, 1, 1, 3, tzinfo=UTC))

    assert as_text(rehearse(snapshot, case), USED).splitlines() == [
        "call      chat in openai_chat, group vip",
        "model     small-high -> small",
        "rules     effort (rewrite), policies/rules.yaml:1",
        "          night (multiply), policies/rules.yaml:7",
        "          eu-only (route), policies/rules.yaml:13",
        'body      effort: "high"',
        "route     require eu",
        "channels  1. one: group vip, priority 0, weight 3, tags eu, as small, chat in openai_chat",
        "price     row of small: input 1/1000000, output 2/1000000",
        "          times 0.25 (group vip 0.5, rule night 0.5)",
        "          1000 input at 1/1000000",
        "          200 output at 2/1000000",
        "          comes to 0.00035",
    ]


def test_a_refusal_is_told_with_its_hint(snapshot: Snapshot) -> None:
    lines = as_text(rehearse(snapshot, Case("smal")), USED).splitlines()

    assert lines[2] == "rules     rate (limit), policies/rules.yaml:4"
    assert lines[3].startswith("refused   model_not_found")
    assert lines[4] == "          Did you mean 'small'?"


def test_a_free_model_is_said_to_be_free(snapshot: Snapshot) -> None:
    assert as_text(rehearse(snapshot, Case("old")), USED).splitlines()[-1] == "price     old is free"


def test_programs_are_told_the_same(snapshot: Snapshot) -> None:
    said = as_json(rehearse(snapshot, Case("small")), USED)

    assert said["candidates"][0]["channel"] == "one"
    assert said["rates"] == {"input": "1/1000000", "output": "2/1000000"}
    assert (said["charge"], said["refused"]) == ("0.0014", None)
    assert as_json(rehearse(snapshot, Case("smal")), USED)["refused"]["code"] == "model_not_found"
