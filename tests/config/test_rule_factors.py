from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clinx.config.effects import compare
from clinx.config.rule_factors import STILL, FactorMoves, factor_moves
from support.rehearsals import GATEWAY, served


def rule(factor: str, when: str = "now.hour < 6", name: str = "night") -> str:
    return f'- name: {name}\n  when: {when}\n  multiply: {{price: "{factor}"}}\n'


OTHER = "- {name: night, deny: {}}\n"
MOVES: list[tuple[str, str, FactorMoves]] = [
    (rule("0.5"), rule("0.5"), STILL),
    ("[]", rule("2"), FactorMoves(up=Fraction(2))),
    ("[]", rule("0.5"), FactorMoves(down=Fraction(1, 2))),
    (rule("0.5"), "[]", FactorMoves(up=Fraction(2))),
    (rule("0.5"), rule("0.8"), FactorMoves(up=Fraction(8, 5))),
    (rule("0.5"), rule("0.5", "now.hour < 9"), FactorMoves(Fraction(2), Fraction(1, 2))),
    (rule("0.5"), OTHER, FactorMoves(up=Fraction(2))),
    (OTHER, rule("3"), FactorMoves(up=Fraction(3))),
    (rule("0"), rule("1"), FactorMoves(unbounded=True)),
    (rule("1"), rule("0"), FactorMoves(down=Fraction(0))),
    (rule("0"), rule("0", "now.hour < 9"), FactorMoves(down=Fraction(0), unbounded=True)),
    ("[]", rule("2") + rule("3", name="day"), FactorMoves(up=Fraction(6))),
]


@pytest.mark.parametrize(("before", "after", "expected"), MOVES)
def test_rules_that_change_move_prices_at_most_so_far(
    tmp_path: Path, before: str, after: str, expected: FactorMoves
) -> None:
    old, new = (
        served(tmp_path / name, {"gateway.yaml": GATEWAY, "policies/rules.yaml": rules})
        for name, rules in (("a", before), ("b", after))
    )

    effects = compare(old, new)

    assert factor_moves(old.snapshot, new.snapshot, effects.rules) == expected
    assert (effects.steepest.up, effects.steepest.down) == (expected.up - 1, 1 - expected.down)
    assert effects.steepest.unbounded is expected.unbounded
