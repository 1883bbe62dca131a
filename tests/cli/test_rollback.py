from pathlib import Path

import pytest

from cli.running import command, commanded, served, serves
from support.tree import SMALL


async def test_an_earlier_revision_is_served_until_that_is_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        revisions = [served(running)]
        for number in (1, 2):
            running.write("gateway.yaml", f"{SMALL}# {number}\n")
            assert await running.gateway.reloader.reload()
            revisions.append(served(running))
        first, second, third = revisions

        assert await command("rollback", "--reason", "wrong answers") == 0
        assert capsys.readouterr().out == (
            f"{second} is served in the place of {third}, until the tree changes or `clinx rollback --off`\n"
        )
        await serves(running, second)
        assert await command("rollback", "--reason", "still wrong") == 0
        await serves(running, first)
        assert await command("rollback", second[:6], "--reason", "by name") == 0
        await serves(running, second)

        assert await command("status") == 0
        assert f"rejected: {third} (by name), by cli:" in capsys.readouterr().out
        assert await command("rollback", "--off") == 0
        assert capsys.readouterr().out == f"{third}: may be served again\n"
        await serves(running, third)
        assert await command("rollback", "--off") == 1

        capsys.readouterr()
        assert await command("rollback", "--list") == 0
        listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
        assert listed == [third, second, first]


async def test_a_rollback_that_cannot_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with commanded(tmp_path, monkeypatch) as running:
        for argv, said in [
            ((), "--reason must say why"),
            (("--reason", "x"), "nothing was served before"),
            (
                ("ffffffffffff", "--reason", "x"),
                "ffffffffffff is not in the history of this machine; see `clinx rollback --list`\n",
            ),
            ((served(running), "--reason", "x"), "is the tree on disk"),
        ]:
            assert await command("rollback", *argv) == 1
            assert said in capsys.readouterr().err
