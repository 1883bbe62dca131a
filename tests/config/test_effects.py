from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.effects import Effects, GroupEffect, Served, channels_of, compare, models_of, offers
from clinx.config.rule_changes import Change
from support.rehearsals import AFTER, BEFORE, served


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served]:
    folder = tmp_path_factory.mktemp("trees")
    return served(folder / "before", BEFORE), served(folder / "after", AFTER)


def test_every_kind_of_effect_is_told(trees: tuple[Served, Served]) -> None:
    effects = compare(*trees)

    assert effects.groups == (
        GroupEffect("auto", (), ("old",), ("three",), ()),
        GroupEffect("default", (), ("any-*", "large", "old"), (), ("one",)),
        GroupEffect("vip", (), ("old",), ("three",), ()),
    )
    assert [(move.model, move.unit.value, str(move.change)) for move in effects.prices] == [("small", "input", "1/4")]
    assert [(move.group, str(move.change)) for move in effects.multipliers] == [("vip", "-1/5")]
    assert (effects.channels_added, effects.channels_removed) == (("three",), ())
    assert [(each.name, [key.key for key in each.keys]) for each in effects.channels_changed] == [
        ("one", ["models", "groups"]),
        ("two", ["weight", "limits"]),
    ]
    assert [(each.name, each.change) for each in effects.rules] == [
        ("new", Change.ADDED),
        ("nobody", Change.REMOVED),
        ("rate", Change.CHANGED),
    ]
    assert effects.settings == ("server.max_body",)
    assert (str(effects.steepest.up), str(effects.steepest.down)) == ("1/4", "1/5")


def test_a_tree_compared_with_itself_has_no_effects(trees: tuple[Served, Served]) -> None:
    assert compare(trees[0], trees[0]).is_empty
    assert not compare(*trees).is_empty


def test_a_comment_is_no_effect(tmp_path: Path, trees: tuple[Served, Served]) -> None:
    commented = served(tmp_path, {**BEFORE, "gateway.yaml": f"# why\n{BEFORE['gateway.yaml']}"})

    assert compare(trees[0], commented).is_empty


def test_a_model_that_a_pattern_still_serves_is_not_lost(tmp_path: Path) -> None:
    exact = """\
version: 1
models: {"a-*": {price: free}, a-1: {price: free}}
channels: [{name: c, provider: echo, models: ["a-*", a-1]}]
"""
    before, after = (
        served(tmp_path / "a", {"gateway.yaml": exact}),
        served(tmp_path / "b", {"gateway.yaml": exact.replace(", a-1]", "]").replace(", a-1: {price: free}", "")}),
    )

    assert compare(before, after).groups == ()


def test_a_group_that_is_gone_offers_nothing_and_loses_everything(tmp_path: Path) -> None:
    text = """\
version: 1
groups: {g: {}}
models: {m: {price: free}}
channels: [{name: c, provider: echo, models: [m], groups: [g, default]}]
"""
    before = served(tmp_path / "a", {"gateway.yaml": text})
    after = served(
        tmp_path / "b", {"gateway.yaml": text.replace("groups: {g: {}}\n", "").replace("[g, default]", "[default]")}
    )

    effects: Effects = compare(before, after)

    assert effects.groups_lost == ("g",)
    assert effects.groups == (GroupEffect("g", (), ("m",), (), ("c",)),)
    assert models_of(after.snapshot, "g") == ()
    assert channels_of(after.snapshot, "g") == set()
    assert not offers(after.snapshot, "g", "m")


def test_a_changed_console_is_told_by_its_parts(tmp_path: Path) -> None:
    console = "console: {name: Example, mail: {host: localhost, from: ops@example.com}}\n"
    before, after = (
        served(tmp_path / name, {**BEFORE, "gateway.yaml": f"{BEFORE['gateway.yaml']}{text}"})
        for name, text in (("a", console), ("b", console.replace("ops@", "no-reply@").replace("Example", "Other")))
    )

    assert compare(before, after).settings == ("console.name", "console.mail")


def test_another_list_of_words_is_an_effect(tmp_path: Path) -> None:
    rules = "- {name: words, guard: {on: input, words_file: policies/words/bad.txt, action: block}}\n"
    before, after = (
        served(tmp_path / word, {**BEFORE, "policies/guard.yaml": rules, "policies/words/bad.txt": f"{word}\n"})
        for word in ("old", "new")
    )

    effects = compare(before, after)
    [change] = effects.rules
    [key] = change.keys
    assert (effects.settings, change.name, key.key) == ((), "words", "guard.words_file")
    assert [str(each).partition("(")[0] for each in (key.before, key.after)] == ["policies/words/bad.txt "] * 2
    assert key.before != key.after
