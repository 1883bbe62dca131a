import re
from pathlib import Path

import pytest

from clinx.cli import main
from support.database import lay_tables
from support.gateway import tree_for


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    lay_tables(tmp_path / "clinx.db")
    assert main(["user", "create", "ann"]) == 0


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_secret_is_the_whole_output(capsys: pytest.CaptureFixture[str]):
    code, out, error = run(capsys, "token", "create", "ann")

    assert (code, error) == (0, "")
    assert re.fullmatch(r"sk-[0-9A-Za-z]{48}\n", out)
    assert out.strip() not in run(capsys, "token", "list", "ann")[1] + run(capsys, "token", "show", "1")[1]


def test_limits_are_shown(capsys: pytest.CaptureFixture[str]):
    argv = "--name ci --models gpt-4o,o3 --group vip --expires 2990-01-31 --budget 2 --network 10.0.0.0/8 --network ::1"
    secret = run(capsys, "token", "create", "ann", *argv.split())[1].strip()
    hint = f"{secret[:5]}…{secret[-4:]}"

    assert run(capsys, "token", "show", hint)[1] == (
        "id        1\n"
        f"hint      {hint}\n"
        "name      ci\n"
        "user      ann\n"
        "status    active\n"
        "expires   2990-01-31 00:00\n"
        "models    gpt-4o, o3\n"
        "group     vip\n"
        "networks  10.0.0.0/8, ::1/128\n"
        "spent     0\n"
        "budget    2\n"
    )


def test_a_span_counts_from_now(capsys: pytest.CaptureFixture[str]):
    run(capsys, "token", "create", "ann", "--expires", "30d")

    assert re.search(r"expires   20\d\d-\d\d-\d\d \d\d:\d\d\n", run(capsys, "token", "show", "1")[1])


def test_a_revoked_token_stays_listed(capsys: pytest.CaptureFixture[str]):
    secret = run(capsys, "token", "create", "ann")[1].strip()
    hint = f"{secret[:5]}…{secret[-4:]}"

    assert run(capsys, "token", "revoke", "1") == (0, f"revoked {hint} (id 1) of ann\n", "")
    assert run(capsys, "token", "list", "ann")[1].splitlines()[1].split() == [
        "1",
        hint,
        "default",
        "disabled",
        "never",
        "0",
        "none",
    ]


def test_names_that_the_tree_does_not_have_are_warned_about(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    (tmp_path / "gateway.yaml").write_text(tree_for("http://127.0.0.1:1")["gateway.yaml"])

    code, out, error = run(
        capsys, "token", "create", "ann", "--group", "vpi", "--models", "fake-model,free-modl,something"
    )

    assert (code, out[:3]) == (0, "sk-")
    assert error.splitlines() == [
        "warning: the configuration has no group 'vpi'; did you mean \"vip\"?",
        "warning: the configuration has no model 'free-modl'; did you mean \"free-model\"?",
        "warning: the configuration has no model 'something'",
    ]


def test_what_cannot_be_done_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "token", "create", "bob") == (
        1,
        "",
        "clinx: there is no user 'bob'; `clinx user list` shows names and ids\n",
    )
    assert run(capsys, "token", "create", "ann", "--expires", "2001-01-01") == (
        1,
        "",
        "clinx: a token may not expire before it is issued\n",
    )
    assert run(capsys, "token", "revoke", "7") == (
        1,
        "",
        "clinx: there is no token '7'; `clinx token list USER` shows ids and hints\n",
    )


@pytest.mark.parametrize(
    "option", [("--expires", "soon"), ("--budget", "x"), ("--network", "10.0.0.1/8"), ("--models", ",")]
)
def test_a_wrong_option_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str], option: tuple[str, str]):
    with pytest.raises(SystemExit) as caught:
        main(["token", "create", "ann", *option])

    assert caught.value.code == 2
    assert f"argument {option[0]}" in capsys.readouterr().err
