from __future__ import annotations

from pathlib import Path

from support.tree import findings


def said(tmp_path: Path, text: str) -> list[str]:
    return [str(each) for each in findings(tmp_path, {"gateway.yaml": text})]


def test_a_channel_pattern_needs_a_price_somewhere_below_it_or_above_it(tmp_path: Path) -> None:
    models = "models: {gpt-4o: {price: free}, 'claude-*': {price: free}}\n"
    channels = "channels: [{name: c, provider: echo, models: ['gpt-*', 'claude-3-*', 'gemini-*']}]\n"

    assert said(tmp_path, models + channels) == [
        (
            'gateway.yaml:2:70 E205 model "gemini-*" has no price '
            '(list it under "models"; price: free, if it costs nothing)'
        )
    ]


def test_a_priced_model_that_nobody_offers_is_a_warning(tmp_path: Path) -> None:
    models = "models:\n  a: {price: free}\n  b: {price: free}\n  'c-*': {price: free}\n"
    channels = "channels: [{name: c, provider: echo, models: [a, c-1]}]\n"

    assert said(tmp_path, models + channels) == [
        'gateway.yaml:3:3 W205 model "b" has a price, but no channel offers it'
    ]


def test_a_group_without_channels_is_a_warning_unless_it_tries_others(tmp_path: Path) -> None:
    groups = "groups:\n  empty: {}\n  auto: {tries: [deep]}\n  deep: {tries: [default]}\n"
    rest = "models: {m: {price: free}}\nchannels: [{name: c, provider: echo, models: [m]}]\n"

    assert said(tmp_path, groups + rest) == [
        'gateway.yaml:2:3 W208 group "empty" has no channels: its users can call nothing'
    ]


def test_a_group_of_groups_tries_groups_that_have_channels(tmp_path: Path) -> None:
    groups = "groups:\n  empty: {}\n  auto: {tries: [default, empty]}\n"
    rest = "models: {m: {price: free}}\nchannels: [{name: c, provider: echo, models: [m]}]\n"

    assert said(tmp_path, groups + rest) == ['gateway.yaml:3:27 E213 group "empty" has no channels to try']


def test_a_broken_channel_makes_no_warnings_about_what_it_might_offer(tmp_path: Path) -> None:
    text = "groups: {vip: {}}\nmodels: {m: {price: free}}\nchannels: [{name: c, provider: echo, wieght: 1}]\n"

    assert said(tmp_path, text) == ['gateway.yaml:3:38 E301 unknown key "wieght" (did you mean "weight"?)']


def test_a_circle_of_groups_is_found_wherever_it_begins(tmp_path: Path) -> None:
    text = "groups: {a: {tries: [b]}, b: {tries: [c]}, c: {tries: [b]}, me: {tries: [me]}}\n"

    assert [line.split(" ", 1)[1] for line in said(tmp_path, text)] == [
        'E207 "b" and "c" try each other',
        'E207 "c" and "b" try each other',
        'E207 "me" and "me" try each other',
    ]
