from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from clinx.cli.plan_bounds import MEASURES, bound
from clinx.config.effects import compare
from clinx.config.token_losses import TokenLoss
from clinx.relay.inquiries.plan_sections import Outcome, Side
from clinx.relay.replay import Reason, Refusals, Replayed, Sum
from support.rehearsals import AFTER, BEFORE, served


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("trees")
    effects = compare(served(folder / "before", BEFORE), served(folder / "after", AFTER))
    return Outcome(
        Side("a", "1"),
        Side("b", "2"),
        effects,
        losses=(TokenLoss(1, "ci", "ann", "default", ("old",), is_all=True),),
        replayed=Replayed(Sum(2, 100, 150), {}, {}, (), {Reason("c", "", "m", "g"): Refusals(3)}, 0, 0, 0, 0),
    )


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("price_change > 20%", "price_change > 20%: price_change is 25%"),
        ("price_change > 25%", None),
        ("price_increase >= 25%", "price_increase >= 25%: price_increase is 25%"),
        ("price_decrease>19.5%", "price_decrease>19.5%: price_decrease is 20%"),
        ("models_lost > 4", "models_lost > 4: models_lost is 5"),
        ("models_gained > 0", None),
        ("channels_lost == 1", "channels_lost == 1: channels_lost is 1"),
        ("channels_gained > 1", "channels_gained > 1: channels_gained is 2"),
        ("channels_unreachable > 0", None),
        ("groups_lost > 0", None),
        ("rules_changed > 2", "rules_changed > 2: rules_changed is 3"),
        ("rules_removed > 0", "rules_removed > 0: rules_removed is 1"),
        ("limits_changed > 1", "limits_changed > 1: limits_changed is 2"),
        ("tokens_losing > 0", "tokens_losing > 0: tokens_losing is 1"),
        ("cost_change > 49%", "cost_change > 49%: cost_change is 50%"),
        ("calls_refused >= 3", "calls_refused >= 3: calls_refused is 3"),
    ],
)
def test_a_bound_is_broken_by_what_the_plan_says(outcome: Outcome, text: str, broken: str | None) -> None:
    assert bound(text).broken(outcome) == broken


def test_every_measure_is_tried_here() -> None:
    tried = {name for name in MEASURES if f'("{name}' in Path(__file__).read_text(encoding="utf-8")}

    assert tried == set(MEASURES)


def test_what_was_free_breaks_every_bound(tmp_path: Path) -> None:
    free = BEFORE["gateway.yaml"].replace('{call: "0.01", when: [{if: "request.n > 1", call: "0.02"}]}', "free")
    before, after = served(tmp_path / "a", {"gateway.yaml": free}), served(tmp_path / "b", {**BEFORE})
    plan = Outcome(Side("a", "1"), Side("b", "2"), compare(before, after))

    said = bound("price_change > 1000%").broken(plan)
    assert said is not None
    assert "no bound" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("price_change", "not a bound"),
        ("prise_change > 20%", "did you mean"),
        ("price_change > 20", "is a percentage"),
        ("models_lost > 1%", "is a number"),
        ("models_lost < 1", "not a bound"),
    ],
)
def test_a_bound_that_cannot_be_is_refused(text: str, said: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        bound(text)
