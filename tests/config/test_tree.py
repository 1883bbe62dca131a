from __future__ import annotations

import os
from pathlib import Path

import pytest

from clinx.config.tree import MAX_BYTES, MAX_FILES, Tree, TreeReader, default_tree, read_tree
from support.tree import SMALL, tree


@pytest.fixture
def defaults(tmp_path: Path) -> Path:
    shipped = {
        "gateway.yaml": "currency: USD\n",
        "providers/a.yaml": "provider: a\n",
        "providers/b.yaml": "provider: b\n",
    }
    return tree(tmp_path / "defaults", shipped)


def found(read: Tree) -> list[str]:
    return [str(each) for each in read.diagnostics]


def test_own_files_replace_shipped_ones_of_the_same_name(tmp_path: Path, defaults: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL, "providers/b.yaml": "mine", "providers/c.yaml": "new"})

    read = read_tree(root, defaults)

    assert read.files == {
        "gateway.yaml": SMALL.encode(),
        "providers/a.yaml": b"provider: a\n",
        "providers/b.yaml": b"mine",
        "providers/c.yaml": b"new",
    }
    assert not read.is_builtin
    assert read.diagnostics == ()


@pytest.mark.parametrize("files", [None, {}, {"README.md": "", ".hidden.yaml": "", "docs/a.yaml": "", "clinx.db": ""}])
def test_where_nothing_is_configured_the_shipped_root_document_is_used(
    tmp_path: Path, defaults: Path, files: dict[str, str | bytes] | None
) -> None:
    root = tmp_path / "tree"
    root.mkdir()

    read = read_tree(None if files is None else tree(root, files), defaults)

    assert read.files["gateway.yaml"] == b"currency: USD\n"
    assert read.is_builtin
    assert read.diagnostics == ()


@pytest.mark.parametrize(
    ("files", "beside"),
    [
        (["providers/mine.yaml"], "providers"),
        (["policies/README.md"], "policies"),
        (["gatway.yaml"], "gatway.yaml"),
        (["d.yml", "a.yaml", "b.yaml", "c.yaml"], "a.yaml, b.yaml, c.yaml"),
    ],
)
def test_parts_of_a_tree_without_a_root_document_are_not_taken_for_nothing(
    tmp_path: Path, defaults: Path, files: list[str], beside: str
) -> None:
    read = read_tree(tree(tmp_path / "tree", dict.fromkeys(files, "")), defaults)

    assert found(read) == [
        f"gateway.yaml:1:1 E110 there is no gateway.yaml beside {beside} (nothing is served without it: write one)"
    ]
    assert not read.is_builtin
    assert "gateway.yaml" not in read.files


def test_a_misspelt_root_document_is_told_its_name_and_nothing_else(tmp_path: Path, defaults: Path) -> None:
    read = read_tree(tree(tmp_path / "tree", {"gateway.yml": SMALL}), defaults)

    assert found(read) == ["gateway.yml:1:1 E108 files are called .yaml here (rename it)"]
    assert not read.is_builtin


def test_a_folder_that_is_not_there_is_not_an_empty_one(tmp_path: Path, defaults: Path) -> None:
    nowhere = tmp_path / "nowhere"
    read = read_tree(nowhere, defaults)

    assert found(read) == [f"gateway.yaml:1:1 E110 folder {nowhere}: No such file or directory"]
    assert not read.is_builtin
    assert "gateway.yaml" not in read.files


def test_the_revision_is_the_content(tmp_path: Path, defaults: Path) -> None:
    one = read_tree(tree(tmp_path / "one", {"gateway.yaml": SMALL}), defaults)
    two = read_tree(tree(tmp_path / "two", {"gateway.yaml": SMALL}), defaults)
    other = read_tree(tree(tmp_path / "other", {"gateway.yaml": SMALL + "\n"}), defaults)
    moved = read_tree(tree(tmp_path / "moved", {"gateway.yaml": SMALL, "providers/c.yaml": "new"}), defaults)

    assert one.id == two.id
    assert len({one.id, other.id, moved.id}) == 3
    assert len(one.id) == 12


def test_an_unreadable_file_is_not_the_same_as_no_file(tmp_path: Path, defaults: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL})
    before = read_tree(root, defaults).id
    (root / "providers").mkdir()
    (root / "providers" / "x.yaml").symlink_to("/etc/passwd")

    assert read_tree(root, defaults).id != before


def test_includes_are_read_in_order_and_once(tmp_path: Path, defaults: Path) -> None:
    include = 'include: [last.yaml, "parts/*.yaml", parts/a.yaml, gateway.yaml]\n'
    files = {"gateway.yaml": include, "last.yaml": "", "parts/b.yaml": "", "parts/a.yaml": "", "parts/.hidden.yaml": ""}

    read = read_tree(tree(tmp_path / "tree", files), defaults)

    assert read.included == ("last.yaml", "parts/a.yaml", "parts/b.yaml")
    assert "parts/.hidden.yaml" not in read.files


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("../x.yaml", 'gateway.yaml:1:11 E109 "../x.yaml" leaves the tree'),
        ("a/../../x.yaml", 'gateway.yaml:1:11 E109 "a/../../x.yaml" leaves the tree'),
        ("/etc/passwd", 'gateway.yaml:1:11 E109 "/etc/passwd" must be relative to the tree'),
        ("a\\\\b", 'gateway.yaml:1:11 E109 "a\\b" must be relative to the tree'),
        ("**/x.yaml", 'gateway.yaml:1:11 E109 "**/x.yaml" must name its folders: "**" is not supported'),
        ("", 'gateway.yaml:1:11 E109 "" names no file'),
        ("x.yaml", 'gateway.yaml:1:11 E110 no file "x.yaml"'),
        ("x/*.yaml", 'gateway.yaml:1:11 W110 "x/*.yaml" matches no file'),
        ("link.yaml", "link.yaml:1:1 E109 the symlink leads out of the tree"),
        ("folder/secret.yaml", "folder/secret.yaml:1:1 E109 the symlink leads out of the tree"),
    ],
)
def test_an_include_never_leaves_the_tree(tmp_path: Path, defaults: Path, pattern: str, expected: str) -> None:
    tree(tmp_path, {"x.yaml": "", "outside/secret.yaml": "key: value"})
    root = tree(tmp_path / "tree", {"gateway.yaml": f'include: ["{pattern}"]'})
    (root / "link.yaml").symlink_to(tmp_path / "x.yaml")
    (root / "folder").symlink_to(tmp_path / "outside")

    read = read_tree(root, defaults)

    assert found(read)[0] == expected
    assert set(read.files) == {"gateway.yaml", "providers/a.yaml", "providers/b.yaml"}


def test_a_root_document_that_leads_out_is_refused_and_not_replaced(tmp_path: Path, defaults: Path) -> None:
    root = tmp_path / "tree"
    root.mkdir()
    (root / "gateway.yaml").symlink_to("/etc/passwd")

    read = read_tree(root, defaults)

    assert found(read) == ["gateway.yaml:1:1 E109 the symlink leads out of the tree"]
    assert not read.is_builtin
    assert "gateway.yaml" not in read.files


def test_symlinks_inside_the_tree_are_followed(tmp_path: Path, defaults: Path) -> None:
    root = tree(tmp_path / "mount", {"..2026/gateway.yaml": SMALL, "..2026/c.yaml": "provider: c"})
    (root / "..data").symlink_to("..2026")
    (root / "gateway.yaml").symlink_to("..data/gateway.yaml")
    (root / "providers").mkdir()
    (root / "providers" / "c.yaml").symlink_to("../..data/c.yaml")
    (tmp_path / "tree").symlink_to("mount")

    read = read_tree(tmp_path / "tree", defaults)

    assert read.files["gateway.yaml"] == SMALL.encode()
    assert read.files["providers/c.yaml"] == b"provider: c"
    assert found(read) == []


def test_what_is_not_a_file_or_too_large_is_refused(tmp_path: Path, defaults: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": SMALL, "providers/big.yaml": b"#" * (MAX_BYTES + 1)})
    os.mkfifo(root / "providers" / "fifo.yaml")
    (root / "providers" / "folder.yaml").mkdir()
    (root / "providers" / "loop.yaml").symlink_to("loop.yaml")
    (root / "providers" / "nowhere.yaml").symlink_to("gone.yaml")

    assert [f"{each.file}:{each.line} {each.code}" for each in read_tree(root, defaults).diagnostics] == [
        "providers/big.yaml:1 E105",
        "providers/fifo.yaml:1 E108",
        "providers/folder.yaml:1 E108",
        "providers/loop.yaml:1 E108",
        "providers/nowhere.yaml:1 E108",
    ]


def test_a_pattern_that_matches_too_much_is_refused(tmp_path: Path, defaults: Path) -> None:
    many = {f"parts/{number:04}.yaml": "" for number in range(MAX_FILES + 1)}
    root = tree(tmp_path / "tree", {"gateway.yaml": "include: [parts/*.yaml]", **many})

    read = read_tree(root, defaults)

    assert found(read) == [f"parts/*.yaml:1:1 E105 more than {MAX_FILES} files"]
    assert len(read.included) == MAX_FILES


def test_what_the_file_system_refuses_is_a_finding(tmp_path: Path, defaults: Path) -> None:
    long = "x" * 300
    root = tree(tmp_path / "tree", {"gateway.yaml": f"include: [{long}]"})
    (tmp_path / "loop").symlink_to("loop")

    assert found(read_tree(root, defaults))[0] == f"{long}:1:1 E108 cannot be listed: File name too long"
    assert found(read_tree(tmp_path / "loop", defaults)) == [
        f"gateway.yaml:1:1 E110 folder {tmp_path / 'loop'}: Too many levels of symbolic links"
    ]


def test_files_that_look_obeyed_and_are_not_are_refused(tmp_path: Path, defaults: Path) -> None:
    files = {
        "gateway.yaml": SMALL,
        "policies/README.md": "",
        "policies/b.yml": "",
        "policies/tests/c.yml": "",
        "providers/x.yml": "",
        "gateway.yml": "",
    }

    assert found(read_tree(tree(tmp_path / "tree", files), defaults)) == [
        "gateway.yml:1:1 E108 files are called .yaml here (rename it)",
        "providers/x.yml:1:1 E108 files are called .yaml here (rename it)",
        "policies/b.yml:1:1 E108 files are called .yaml here (rename it)",
        "policies/tests/c.yml:1:1 E108 files are called .yaml here (rename it)",
    ]


def test_an_own_file_of_rules_replaces_the_shipped_one_and_shipped_tests_stay_with_the_shipped_tree(
    tmp_path: Path,
) -> None:
    shipped = tree(
        tmp_path / "defaults",
        {"gateway.yaml": SMALL, "policies/a.yaml": "[]", "policies/b.yaml": "[]", "policies/tests/a.yaml": "[]"},
    )
    own = tree(
        tmp_path / "own", {"gateway.yaml": SMALL, "policies/b.yaml": "- name: mine", "policies/tests/b.yaml": "[]"}
    )

    mine, theirs = read_tree(own, shipped), read_tree(None, shipped)
    (own / "policies/tests/b.yaml").write_text("- name: changed")

    assert sorted(mine.files) == ["gateway.yaml", "policies/a.yaml", "policies/b.yaml", "policies/tests/b.yaml"]
    assert mine.files["policies/b.yaml"] == b"- name: mine"
    assert "policies/tests/a.yaml" in theirs.files
    assert read_tree(own, shipped).id != mine.id


def test_a_reader_sees_each_change(tmp_path: Path, defaults: Path) -> None:
    root = tree(tmp_path / "tree", {"gateway.yaml": "include: [a.yaml]", "a.yaml": "", "b.yaml": ""})
    reader = TreeReader(root, defaults)

    assert reader.read().included == ("a.yaml",)
    (root / "gateway.yaml").write_text("include: [b.yaml]")
    assert reader.read().included == ("b.yaml",)
    (root / "gateway.yaml").write_text("include: {")
    assert reader.read().included == ()


def test_the_shipped_files_are_found() -> None:
    shipped = read_tree(None, default_tree())

    assert {"gateway.yaml", "providers/echo.yaml", "providers/openai.yaml"} <= set(shipped.files)
