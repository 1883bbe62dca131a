from __future__ import annotations

import difflib
from pathlib import Path

import pytest

from clinx.config.editing import EditError
from clinx.config.proposal import Change, propose
from clinx.config.tree import Tree, default_tree, read_tree
from support.tree import compile_root, tree

FILES: dict[str, str | bytes] = {
    "gateway.yaml": """\
version: 1
include: [more.yaml]
models:
  small: {price: free}
  gpt-4.1: {price: free}
  gpt-4: {price: free}
profiles:
  base: {provider: mine, weight: 2}
channels:
  - name: main.eu
    extends: base
    models: [small, gpt-4.1, gpt-4]
""",
    "more.yaml": """\
channels:
  - {name: other, provider: mine, models: [small]}
""",
    "providers/mine.yaml": "provider: mine\nextends: echo\n",
    "policies/own.yaml": "- name: night\n  when: model == 'small'\n  deny: {message: later}\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path, FILES)


def read(root: Path) -> Tree:
    return read_tree(root, default_tree())


def difference(change: Change) -> list[str]:
    lines = difflib.unified_diff(change.before.splitlines(), change.after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


@pytest.mark.parametrize(
    ("path", "value", "file", "added"),
    [
        ("channels.main.eu.weight", "5", "gateway.yaml", "+    weight: 5"),
        ("channels.other.weight", "5", "more.yaml", "+  - {name: other, provider: mine, models: [small], weight: 5}"),
        ("models.gpt-4.1.price", '{input: "1"}', "gateway.yaml", '+  gpt-4.1: {price: {input: "1"}}'),
        ('models."gpt-4".vendor', "openai", "gateway.yaml", "+  gpt-4: {price: free, vendor: openai}"),
        ('models."new.one"', "{price: free}", "gateway.yaml", "+  new.one: {price: free}"),
        ("profiles.base.weight", "9", "gateway.yaml", "+  base: {provider: mine, weight: 9}"),
        ("groups.vip.multiplier", '"0.5"', None, "vip"),
        ("groups.vip", "{}", "gateway.yaml", "+groups: {vip: {}}"),
        ("server.max_body", "1MiB", "gateway.yaml", "+server: {max_body: 1MiB}"),
        ("channels.main.eu.models[0]", "gpt-4", "gateway.yaml", "+    models: [gpt-4, gpt-4.1, gpt-4]"),
        ("providers.mine.base_url", "http://x", "providers/mine.yaml", "+base_url: http://x"),
        ("policies.night.deny.message", "never", "policies/own.yaml", "+  deny: {message: never}"),
    ],
)
def test_a_value_is_written_in_the_file_where_it_lives(
    root: Path, path: str, value: str, file: str | None, added: str
) -> None:
    if file is None:
        with pytest.raises(EditError, match=added):
            propose(read(root), path, value)
        return
    change = propose(read(root), path, value)

    assert change.file == file
    assert [line for line in difference(change) if line.startswith("+")] == [added]


def test_what_a_channel_inherits_is_said_anew_for_it_alone(root: Path) -> None:
    change = propose(read(root), "channels.main.eu.weight", None)
    assert difference(change) == ["+    weight: ~"]
    assert change.note == "channels.main.eu.weight is inherited: said anew here, for nobody else"

    (root / change.file).write_text(change.after)
    assert compile_root(root).snapshot.channels["main.eu"].weight == 1
    assert propose(read(root), "channels.main.eu.weight", None).after == change.before


def test_a_change_can_be_compiled_before_it_is_written(root: Path) -> None:
    changed = propose(read(root), "channels.other.priority", "4").applied(read(root))

    assert changed.id != read(root).id
    assert b"priority: 4" in changed.files["more.yaml"]
    assert b"priority" not in (root / "more.yaml").read_bytes()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("channels.othr.weight", 'there is no "othr" in channels (did you mean "other"?)'),
        ("models.smal.price", 'there is no "smal" in models (did you mean "small"?)'),
        ("providers.min.base_url", 'there is no "min" in providers'),
        ("providers.openai.base_url", "providers/openai.yaml is shipped with the gateway"),
        ("policies.nigth.deny", 'there is no "nigth" in policies (did you mean "night"?)'),
        ("include", "what is included is edited by hand"),
        ("channels.", "the path is not complete"),
        ("channels.other.[x", "the path is not complete"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(root: Path, path: str, said: str) -> None:
    with pytest.raises(EditError) as caught:
        propose(read(root), path, "1")
    assert said in str(caught.value)


def test_what_is_not_set_cannot_be_deleted(root: Path) -> None:
    with pytest.raises(EditError, match=r"channels\.other\.weight is not set"):
        propose(read(root), "channels.other.weight", None)
