from __future__ import annotations

from pathlib import Path

from support.tree import SMALL, compile_files, findings


def test_entries_come_from_every_included_file(tmp_path: Path) -> None:
    files = {
        "gateway.yaml": "include: ['*/*.yaml']\n",
        "channels/one.yaml": "channels: [{name: one, provider: echo, models: [m]}]\n",
        "prices/all.yaml": "version: 1\nmodels: {m: {price: free}}\ngroups: {vip: {multiplier: 2}}\n",
    }
    # providers/*.yaml of the tree would match as well, if it had any.
    snapshot = compile_files(tmp_path, files).snapshot

    assert (list(snapshot.channels), list(snapshot.models), list(snapshot.groups)) == (
        ["one"],
        ["m"],
        ["default", "vip"],
    )


def test_a_name_may_be_declared_once_in_the_whole_tree(tmp_path: Path) -> None:
    files = {"gateway.yaml": SMALL + "include: [more.yaml]\n", "more.yaml": SMALL}

    assert [str(each) for each in findings(tmp_path, files)] == [
        'more.yaml:3:3 E206 "small" is already in gateway.yaml, line 3',
        'more.yaml:5:12 E206 channel "main" is already in gateway.yaml, line 5',
    ]


def test_a_broken_file_does_not_hide_what_is_wrong_elsewhere(tmp_path: Path) -> None:
    files = {
        "gateway.yaml": SMALL.replace("provider: echo", "provider: nobody") + "include: [torn.yaml]\n",
        "torn.yaml": "channels: [",
        "providers/x.yaml": "provider: x\nnonsense: 1\n",
    }

    assert [f"{each.file} {each.code}" for each in findings(tmp_path, files)] == [
        "gateway.yaml E201",
        "providers/x.yaml E301",
        "torn.yaml E101",
    ]


def test_a_fault_in_a_profile_is_found_once_with_or_without_channels(tmp_path: Path) -> None:
    profile = "profiles: {p: {provider: echo, wieght: 1}}\n"
    channels = "channels: [{name: a, extends: p, models: [m]}, {name: b, extends: p, models: [m]}]\n"
    used = "models: {m: {price: free}}\n" + channels

    for text in (profile, profile + used):
        assert [str(each) for each in findings(tmp_path, {"gateway.yaml": text})] == [
            'gateway.yaml:1:32 E301 unknown key "wieght" (did you mean "weight"?)'
        ]


def test_a_key_of_a_later_release_is_refused_in_its_own_words(tmp_path: Path) -> None:
    text = SMALL.replace("models: [small]}", "models: [small], policies: [], weight: x}")

    assert [each.code for each in findings(tmp_path, {"gateway.yaml": text})] == ["E304", "E303"]
