from pathlib import Path

import pytest

from clinx.cli.catalogue import declared_rewards, warn_about
from clinx.domain.invitation import Rewards
from clinx.domain.money import Amount
from support.gateway import tree_for

TREE = tree_for("http://127.0.0.1:1")["gateway.yaml"]


@pytest.fixture(autouse=True)
def _root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.delenv("UPSTREAM_KEY")


def warned(capsys: pytest.CaptureFixture[str], group: str | None = None, models: frozenset[str] = frozenset()) -> str:
    warn_about(group=group, models=models)
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_names_of_the_tree_are_fine_and_others_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "gateway.yaml").write_text(TREE)

    assert warned(capsys) == ""
    assert warned(capsys, "vip", frozenset({"fake-model", "free-model"})) == ""
    assert warned(capsys, "defautl") == "warning: the configuration has no group 'defautl'; did you mean \"default\"?\n"
    assert warned(capsys, models=frozenset({"zzz", "aaa"})) == (
        "warning: the configuration has no model 'aaa'\nwarning: the configuration has no model 'zzz'\n"
    )


def test_a_model_of_a_pattern_is_known(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    text = TREE.replace("  per-call:", '  "open-*": {price: free}\n  per-call:').replace(
        "models: [fake-model", 'models: ["open-*", fake-model'
    )
    (tmp_path / "gateway.yaml").write_text(text)

    assert warned(capsys, models=frozenset({"open-sesame"})) == ""
    assert warned(capsys, models=frozenset({"closed"})) == "warning: the configuration has no model 'closed'\n"


@pytest.mark.parametrize("text", ["nonsense: [", "version: 1\nchannels: 7\n", "\x00", None])
def test_a_tree_that_does_not_compile_is_passed_over(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None
):
    if text is not None:
        (tmp_path / "gateway.yaml").write_text(text)

    assert warned(capsys, "no-such-group", frozenset({"no-such-model"})) == ""


def test_a_folder_that_is_not_there_is_passed_over(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path / "nowhere"))

    assert warned(capsys, "no-such-group") == ""


def test_the_rewards_are_those_of_the_tree(tmp_path: Path):
    (tmp_path / "gateway.yaml").write_text(TREE + 'invitations: {inviter: "1", invitee: "0.5"}\n')

    assert declared_rewards() == Rewards(Amount.parse("1"), Amount.parse("0.5"))


def test_without_a_tree_there_are_no_rewards():
    assert declared_rewards() == Rewards()


def test_the_rewards_of_a_tree_that_does_not_compile_are_not_known(tmp_path: Path):
    (tmp_path / "gateway.yaml").write_text("version: 1\nchannels: 7\n")

    with pytest.raises(ValueError, match="the configuration does not compile"):
        declared_rewards()
