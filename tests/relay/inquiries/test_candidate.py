from __future__ import annotations

from pathlib import Path

import pytest

from clinx.config.diagnostics import ConfigError
from clinx.config.last_good import LastGood
from clinx.config.tree import default_tree, read_tree
from clinx.config.watch import Sources
from clinx.dialects.registry import DIALECTS
from clinx.domain.inquiry import Document
from clinx.relay.inquiries.candidate import candidate, compiled, refusals, served_tree
from clinx.relay.trials import verify
from support.tree import AT, SMALL, tree


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(
        root=tree(tmp_path / "tree", {"gateway.yaml": SMALL}),
        defaults=default_tree(),
        state_dir=tmp_path / "state",
        environ={},
        env_prefixes=("UPSTREAM_",),
        dialects=DIALECTS,
        now=lambda: AT,
        verify=verify,
    )


def test_without_documents_it_is_the_tree_on_disk(sources: Sources) -> None:
    found = candidate(sources, [])

    assert (found.tree.id, found.unread) == (read_tree(sources.root, sources.defaults).id, ())


def test_an_included_document_belongs_to_it(sources: Sources) -> None:
    root = f"include: [more/*.yaml]\n{SMALL}"
    found = candidate(
        sources, [Document("gateway.yaml", root), Document("more/a.yaml", "models: {b: {price: free}}\n")]
    )

    assert (found.unread, sorted(compiled(sources, found.tree).snapshot.models)) == ((), ["b", "small"])


def test_the_served_tree_is_the_one_that_is_kept(sources: Sources) -> None:
    on_disk = read_tree(sources.root, sources.defaults)
    LastGood(sources.state_dir).keep(on_disk)
    tree(sources.root, {"gateway.yaml": f"{SMALL}# changed\n"})

    assert served_tree(sources, on_disk.id).id == on_disk.id
    assert served_tree(sources, "unknown").id == read_tree(sources.root, sources.defaults).id != on_disk.id


def test_the_tests_of_a_candidate_are_run(sources: Sources) -> None:
    failing = "- name: t\n  given: {model: small}\n  expect: {model: other}\n"
    found = candidate(sources, [Document("policies/tests/t.yaml", failing)])

    with pytest.raises(ConfigError) as refused:
        compiled(sources, found.tree)

    assert {each.file for each in refused.value.diagnostics} == {"policies/tests/t.yaml"}


def test_what_leaves_no_channels_must_not_follow(sources: Sources) -> None:
    served = compiled(sources, candidate(sources, []).tree).snapshot
    found = candidate(sources, [Document("gateway.yaml", "version: 1\n")])

    refused = refusals(served, found.tree, compiled(sources, found.tree).snapshot)

    assert [each.code for each in refused] == ["E501"]
