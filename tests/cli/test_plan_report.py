from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from clinx.cli.plan_report import MARKER, as_json, as_markdown, as_text
from clinx.config.effects import compare
from clinx.config.token_losses import TokenLoss
from clinx.relay.inquiries.plan_sections import Outcome, Side
from clinx.relay.replay import ChannelShare, Reason, Refusals, Replayed, Sum
from support.rehearsals import AFTER, BEFORE, served

GOLDENS = Path(__file__).parents[1] / "goldens" / "plan"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("trees")
    total = Sum(12, 8_000_000_000, 9_000_000_000)
    return Outcome(
        Side("the last good tree", "111111111111"),
        Side("prod", "222222222222"),
        compare(served(folder / "before", BEFORE), served(folder / "after", AFTER)),
        losses=(
            TokenLoss(7, "ci", "ann", "default", ("old",), is_all=True),
            TokenLoss(8, "web", "bob", "vip", ("large", "old"), is_all=False),
        ),
        stranded=("one",),
        replayed=Replayed(
            total=total,
            models={"small": total},
            groups={"default": total},
            channels=(ChannelShare("one", 9, 5), ChannelShare("three", 0, 7)),
            refused={
                Reason("model_not_found", "", "ol`d|<b>\n@all", "default"): Refusals(2, "gone", ["req-1", "req-2"]),
                Reason("policy_refused", "night", "small", "vip"): Refusals(1, "not now", ["req-3"]),
            },
            admitted=1,
            unjudged=2,
            rerouted=3,
            left_out=0,
        ),
        span="7d",
        denied=("models_lost > 0: models_lost is 5",),
    )


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("plan.txt", as_text),
        ("plan.md", as_markdown),
        ("plan.json", lambda it: json.dumps(as_json(it), indent=2, ensure_ascii=False)),
    ],
)
def test_a_plan_is_written_as_it_always_was(outcome: Outcome, name: str, write) -> None:
    assert f"{write(outcome)}\n" == (GOLDENS / name).read_text(encoding="utf-8")


def test_a_callers_text_means_nothing_in_a_comment(outcome: Outcome) -> None:
    line = next(line for line in as_markdown(outcome).splitlines() if "model_not_found" in line)

    assert line.startswith("| `model_not_found` |  | `ol'd")
    assert "`ol'd\\|<b>�@all`" in line
    assert as_markdown(outcome).startswith(MARKER)


def test_long_tables_are_cut_for_people_only(outcome: Outcome, tmp_path: Path) -> None:
    losses = tuple(TokenLoss(n, "t", "u", "g", ("m",), is_all=False) for n in range(130))
    long = Outcome(outcome.before, outcome.after, outcome.effects, losses=losses)

    assert "… and 30 more" in as_text(long)
    assert len(re.findall(r"`t \(\d+\)`", as_markdown(long))) == 100
    assert len(as_json(long)["tokens"]) == 130


def test_tokens_that_were_not_looked_at_are_not_said_to_lose_nothing(outcome: Outcome) -> None:
    blind = Outcome(outcome.before, outcome.after, outcome.effects, unread="no database")

    assert "Tokens were not looked at: no database" in as_text(blind)
    assert as_json(blind)["tokens"] is None
