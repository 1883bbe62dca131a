import pytest

from clinx.cli import main


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_first_command_makes_the_database(capsys: pytest.CaptureFixture[str], tmp_path):
    assert run(capsys, "user", "create", "ann", "--credit", "5.00", "--group", "vip") == (
        0,
        "created ann (id 1, group vip, balance 5)\n",
        "",
    )
    assert (tmp_path / "state" / "clinx.db").exists()


def test_users_are_listed_in_columns(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "bob", "--role", "admin")
    run(capsys, "user", "create", "ann", "--credit", "0.5")

    assert run(capsys, "user", "list")[1] == (
        "ID  NAME  ROLE   STATUS  GROUP    BALANCE\n"
        "2   ann   user   active  default  0.5\n"
        "1   bob   admin  active  default  0\n"
    )


def test_a_credit_with_a_key_counts_once(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "ann")
    credit = ("user", "credit", "ann", "2.50", "--reason", "invoice 7", "--key", "inv-7")

    assert run(capsys, *credit) == (0, "ann: balance 2.5\n", "")
    assert run(capsys, *credit) == (0, "ann: balance 2.5 (this key was used before: nothing changed)\n", "")
    assert run(capsys, "user", "credit", "ann", "-3", "--reason", "mistake") == (0, "ann: balance -0.5\n", "")


def test_show_says_everything(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "ann", "--credit", "1")
    run(capsys, "token", "create", "ann", "--budget", "0.75")

    lines = run(capsys, "user", "show", "ann")[1].splitlines()

    assert lines[0].startswith("ann  id 1  user  active  group default  since 20")
    assert lines[1] == "balance 1  held 0  available 1"
    assert lines[2].startswith("token 1  sk-")
    assert lines[2].endswith("default  active  spent 0  budget 0.75")
    assert '1  grant  grant:user-create:1  {"actor":"cli:' in lines[3]


def test_settings_of_a_user_change(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "ann")

    assert run(capsys, "user", "set", "ann", "--status", "disabled", "--group", "vip") == (
        0,
        "ann: user, disabled, group vip\n",
        "",
    )
    assert run(capsys, "user", "set", "ann") == (
        1,
        "",
        "clinx: nothing to change: give --group, --role or --status\n",
    )


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("show", "nobody"), "there is no user 'nobody'"),
        (("credit", "nobody", "1", "--reason", "x"), "there is no user 'nobody'"),
        (("create", "a b"), "not a user name: 'a b'; use up to 64 letters, digits and . _ @ + -"),
        (("create", "ann", "--credit", "-1"), "a credit is not negative"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], message: str
):
    assert run(capsys, "user", *argv) == (1, "", f"clinx: {message}\n")
    assert run(capsys, "user", "list")[1].count("\n") == 1


@pytest.mark.parametrize("amount", ["much", "NaN", "0.0000000001", "1e30"])
def test_an_amount_that_is_none_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str], amount: str):
    with pytest.raises(SystemExit) as caught:
        main(["user", "create", "ann", "--credit", amount])

    assert caught.value.code == 2
    assert "argument --credit" in capsys.readouterr().err


def test_a_database_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CLINX_DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")
    code, _, error = run(capsys, "user", "list")
    assert (code, error.count("\n")) == (1, 1)
    assert error.startswith("clinx: the database cannot be used now (")

    monkeypatch.setenv("CLINX_DATABASE_URL", "mysql://localhost/x")
    assert run(capsys, "user", "list")[2].startswith("clinx: the database URL must be")
