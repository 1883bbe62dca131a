from pathlib import Path

import pytest

from clinx.config.rollout import Rollout
from support.tree import SMALL, codes, compile_files

BETA = SMALL + "groups: {beta: {tries: [default]}}\n"


def compiled(tmp_path: Path, text: str) -> Rollout | None:
    return compile_files(tmp_path, {"gateway.yaml": text}).snapshot.rollout


def test_a_tree_without_one_is_served_at_once(tmp_path: Path) -> None:
    assert compiled(tmp_path, SMALL) is None


def test_all_of_it_can_be_said(tmp_path: Path) -> None:
    text = BETA + "rollout: {share: 10%, group: beta, for: 5m, max_errors: 1.5%, minimum: 20}\n"

    assert compiled(tmp_path, text) == Rollout(0.1, "beta", 300.0, 0.015, 20)


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    assert compiled(tmp_path, SMALL + "rollout: {share: 10%}\n") == Rollout(0.1, None, 600.0, 0.02, 100)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rollout: {for: 5m}", "gateway.yaml:6:10 E302"),
        ("rollout: {group: btea}", "gateway.yaml:6:18 E202"),
        ("rollout: {share: 0%}", "gateway.yaml:6:18 E303"),
        ("rollout: {share: 10}", "gateway.yaml:6:18 E303"),
        ("rollout: {share: 10%, minimum: 0}", "gateway.yaml:6:32 E303"),
        ("rollout: {shere: 10%}", "gateway.yaml:6:11 E301"),
    ],
)
def test_a_wrong_one_is_found(tmp_path: Path, line: str, code: str) -> None:
    assert code in codes(tmp_path, {"gateway.yaml": f"{SMALL}{line}\n"})


def test_it_stands_in_the_root_document_only(tmp_path: Path) -> None:
    files = {"gateway.yaml": SMALL + "include: [more.yaml]\n", "more.yaml": "rollout: {share: 10%}\n"}

    assert codes(tmp_path, files) == ["more.yaml:1:1 E301"]
