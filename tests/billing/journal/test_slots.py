import stat
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from clinx.billing.journal.failures import JournalRefused
from clinx.billing.journal.files import segment_path
from clinx.billing.journal.slots import claim, orphans

CLAIM = """
import sys
from pathlib import Path
from clinx.billing.journal.slots import claim
slot = claim(Path(sys.argv[1]), lambda: "node_child")
print(slot.path.name, slot.node, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def ids():
    numbers = count(1)
    return lambda: f"node_{next(numbers)}"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_free_slot_is_taken(tmp_path: Path, ids):
    folder = tmp_path / "state" / "journal"
    slots = [claim(folder, ids) for _ in range(3)]
    assert [(slot.path, slot.node) for slot in slots] == [
        (folder / "0", "node_1"),
        (folder / "1", "node_2"),
        (folder / "2", "node_3"),
    ]

    slots[1].release()
    again = claim(folder, ids)
    assert (again.path, again.node) == (folder / "1", "node_2")
    for slot in (slots[0], slots[2], again):
        slot.release()


def test_only_we_may_look_inside(tmp_path: Path, ids):
    claim(tmp_path / "journal", ids).release()

    assert [mode(tmp_path / "journal" / path) for path in (".", "0", "0/lock", "0/node")] == [
        0o700,
        0o700,
        0o600,
        0o600,
    ]


def test_two_processes_never_share_a_slot(tmp_path: Path, ids):
    command = [sys.executable, "-c", CLAIM, str(tmp_path)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    taken = [child.stdout.readline().split() for child in children if child.stdout is not None]
    assert sorted(name for name, _ in taken) == ["0", "1", "2", "3"]

    ours = claim(tmp_path, ids)
    assert ours.path.name == "4"
    assert orphans(tmp_path) == []
    for child in children:
        child.kill()
        child.communicate()
    again = claim(tmp_path, ids)
    assert (again.path.name, again.node) == ("0", "node_child")
    ours.release()
    again.release()


def test_orphans_are_slots_with_a_journal_that_nobody_has(tmp_path: Path, ids):
    ours, living, dead, empty = (claim(tmp_path, ids) for _ in range(4))
    for slot in (ours, living, dead):
        segment_path(slot.path, 1).touch()
    dead.release()
    empty.release()
    (tmp_path / "notes").mkdir()

    (found,) = orphans(tmp_path)
    assert (found.path, found.node) == (dead.path, dead.node)
    assert orphans(tmp_path) == []
    found.release()
    (found,) = orphans(tmp_path)
    found.release()
    ours.release()
    living.release()


def test_without_a_folder_there_are_no_orphans(tmp_path: Path):
    assert orphans(tmp_path / "none") == []


@pytest.mark.parametrize("damage", ["gone", "empty"])
def test_a_slot_that_has_forgotten_its_name_is_refused(tmp_path: Path, ids, damage: str):
    slots = [claim(tmp_path, ids) for _ in range(2)]
    for slot in slots:
        segment_path(slot.path, 1).touch()
        slot.release()
    node = tmp_path / "1" / "node"
    node.unlink()
    if damage == "empty":
        node.touch()

    with pytest.raises(JournalRefused, match=r"1/node is gone or empty"):
        orphans(tmp_path)
    first = claim(tmp_path, ids)
    assert first.node == "node_1"
    with pytest.raises(JournalRefused, match=r"1/node is gone or empty"):
        claim(tmp_path, ids)
    first.release()
