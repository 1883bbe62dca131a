from pathlib import Path

import pytest

from clinx.cli import main
from support.database import lay_tables


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path / "tree"))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    (tmp_path / "tree").mkdir()
    tree = 'version: 1\ninvitations: {inviter: "1.5", invitee: "0.5"}\n'
    (tmp_path / "tree" / "gateway.yaml").write_text(tree)
    lay_tables(tmp_path / "state" / "clinx.db")
    for name in ("ann", "bob"):
        assert main(["user", "create", name]) == 0


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def code_of(capsys: pytest.CaptureFixture[str], name: str) -> str:
    return run(capsys, "invite", "show", name)[1].split()[2]


def test_an_invitation_rewards_both_as_the_tree_says(capsys: pytest.CaptureFixture[str]):
    code = code_of(capsys, "ann")

    assert run(capsys, "invite", "accept", "bob", code) == (0, "bob: invited by user 1, rewards 0.5 and 1.5\n", "")

    assert run(capsys, "invite", "show", "ann") == (0, f"ann  code {code}  invited 1\nearned 1.5  waiting 1.5\n", "")
    assert run(capsys, "invite", "show", "bob")[1].endswith("earned 0  waiting 0\ninvited by user 1\n")
    assert "balance 0.5 " in run(capsys, "user", "show", "bob")[1]


def test_waiting_rewards_are_transferred_once_under_a_key(capsys: pytest.CaptureFixture[str]):
    run(capsys, "invite", "accept", "bob", code_of(capsys, "ann"))
    transfer = ("invite", "transfer", "ann", "1", "--key", "k")

    assert run(capsys, *transfer) == (0, "ann: waiting 0.5\n", "")
    assert run(capsys, *transfer) == (0, "ann: waiting 0.5 (this key was used before: nothing changed)\n", "")

    assert "balance 1 " in run(capsys, "user", "show", "ann")[1]


def test_a_tree_that_does_not_compile_gives_no_rewards_away(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code = code_of(capsys, "ann")
    (tmp_path / "tree" / "gateway.yaml").write_text("version: 1\ninvitations: {inviter: -1}\n")

    assert run(capsys, "invite", "accept", "bob", code) == (
        1,
        "",
        "clinx: the configuration does not compile, and it says the rewards; see `clinx check`\n",
    )
    assert "invited 0" in run(capsys, "invite", "show", "ann")[1]


def test_what_cannot_be_done_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "invite", "accept", "bob", "00000000") == (
        1,
        "",
        "clinx: there is no such invitation code\n",
    )
    assert run(capsys, "invite", "transfer", "ann", "0.5") == (1, "", "clinx: at least 1 is transferred at once\n")
    assert run(capsys, "invite", "transfer", "ann", "5") == (1, "", "clinx: only 0 waits to be transferred\n")
