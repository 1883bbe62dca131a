from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from clinx.config.price_moves import MultiplierMove, PriceMove, Steepest, multiplier_moves, price_moves, steepest
from clinx.config.snapshot import Snapshot
from clinx.domain.usage import Unit
from support.tree import compile_files

CHANNEL = 'channels: [{name: c, provider: echo, models: [m, "x-*"]}]\n'


def snapshot(folder: Path, price: str, more: str = "", groups: str = "") -> Snapshot:
    text = f"version: 1\ngroups: {{{groups}}}\nmodels:\n  m: {{{price}, max_output: 9}}\n"
    text += f'  "x-*": {{price: {{call: "1"}}, max_output: 9}}\n{more}{CHANNEL}'
    return compile_files(folder, {"gateway.yaml": text}).snapshot


def moves(folder: Path, before: str, after: str) -> list[tuple[str, Unit, str, str, Fraction | None]]:
    found = price_moves(snapshot(folder / "a", before), snapshot(folder / "b", after))
    return [(each.row, each.unit, str(each.before), str(each.after), each.change) for each in found]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            'price: {input: "1", output: "2", per: 1M}',
            'price: {input: "0.0012", output: "0.002", per: 1k}',
            [("", Unit.INPUT, "1", "6/5", Fraction(1, 5))],
        ),
        (
            'price: {input: "2", output: "2", per: 1M}',
            'price: {input: "2", output: "2", cache_read: "1", per: 1M}',
            [("", Unit.CACHE_READ, "2", "1", Fraction(-1, 2))],
        ),
        ("price: free", 'price: {call: "1"}', [("", Unit.CALL, "0", "1", None)]),
        ('price: {call: "1"}', "price: free", [("", Unit.CALL, "1", "0", Fraction(-1))]),
        (
            'price: [{upto: 1k, input: "1", per: 1M}, {input: "2", per: 1M}]',
            'price: [{upto: 2k, input: "1", per: 1M}, {input: "3", per: 1M}]',
            [
                ("up to 1000", Unit.INPUT, "1", "None", None),
                ("above", Unit.INPUT, "2", "3", Fraction(1, 2)),
                ("up to 2000", Unit.INPUT, "None", "1", None),
            ],
        ),
        (
            "price: {call: '1', when: [{if: 'request.n > 1', call: '2'}]}",
            "price: {call: '1', when: [{if: 'request.n > 1', call: '3'}]}",
            [("if request.n > 1", Unit.CALL, "2", "3", Fraction(1, 2))],
        ),
        ("ratio: {model: 1}", 'price: {input: "2", output: "2", per: 1M}', []),
    ],
)
def test_a_rate_that_moved_is_told_with_its_row_and_by_how_much(
    tmp_path: Path, before: str, after: str, expected: list[object]
) -> None:
    assert moves(tmp_path, before, after) == expected


def test_a_name_that_leaves_its_pattern_for_a_price_of_its_own_has_moved(tmp_path: Path) -> None:
    before = snapshot(tmp_path / "a", "price: free")
    after = snapshot(tmp_path / "b", "price: free", more='  x-1: {price: {call: "2"}, max_output: 9}\n')

    assert price_moves(before, after) == (PriceMove("x-1", "", Unit.CALL, Fraction(1), Fraction(2), 1),)


def test_the_steepest_move_takes_the_factors_of_groups_into_account(tmp_path: Path) -> None:
    before = snapshot(tmp_path / "a", 'price: {call: "1"}', groups='default: {multiplier: "1"}')
    after = snapshot(tmp_path / "b", 'price: {call: "1.5"}', groups='default: {multiplier: "0.5"}')

    assert multiplier_moves(before, after) == (MultiplierMove("default", Fraction(1), Fraction(1, 2)),)
    assert steepest(before, after) == Steepest(up=Fraction(0), down=Fraction(1, 2))
    assert steepest(after, before) == Steepest(up=Fraction(1), down=Fraction(0))
    assert steepest(before, before) == Steepest()


def test_what_was_free_has_no_bound(tmp_path: Path) -> None:
    free, dear = snapshot(tmp_path / "a", "price: free"), snapshot(tmp_path / "b", 'price: {call: "1"}')

    assert steepest(free, dear).unbounded
    assert steepest(dear, free) == Steepest(down=Fraction(1))
