import asyncio
import io
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from clinx.accounts import tokens, users
from clinx.billing.vault import Vault
from clinx.cli import main
from clinx.domain.identity import Principal
from clinx.domain.ledger import REVENUE, EntryKind, Origin
from clinx.domain.money import Amount
from clinx.storage import ledger, spend
from clinx.storage.database import Database
from clinx.storage.ledger import Movement, NewEntry
from clinx.storage.program import Program
from clinx.storage.spend import Spend, SpendKey
from clinx.telemetry.tasks import Supervisor
from support.database import lay_tables

SMALL = "version: 1\ngroups:\n  default: {}\n  vip: {}\nmodels: {}\nchannels: []\n"


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    lay_tables(tmp_path / "state" / "clinx.db")


@pytest.fixture
def _nothing(_state: None, tmp_path: Path):
    """Nothing ran here before."""
    shutil.rmtree(tmp_path / "state")


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.usefixtures("_nothing")
def test_the_first_user_makes_the_database_and_says_where(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    assert run(capsys, "user", "create", "ann", "--credit", "5.00", "--group", "vip") == (
        0,
        "created ann (id 1, group vip, balance 5)\n",
        f"clinx: made a new database at {tmp_path / 'state' / 'clinx.db'}\n",
    )
    assert run(capsys, "user", "create", "bob") == (0, "created bob (id 2, group default, balance 0)\n", "")


@pytest.mark.usefixtures("_nothing")
@pytest.mark.parametrize(
    "argv",
    [
        "user list",
        "user show ann",
        "user set ann --status disabled",
        "user credit ann 5 --reason x",
        "user password ann",
        "user refund settle:r --reason x",
        "code list",
        "invite show ann",
        "token list ann",
        "token show 1",
        "token create ann",
        "token revoke 1",
        "migrate --status",
    ],
)
def test_no_other_command_makes_one(capsys: pytest.CaptureFixture[str], tmp_path: Path, argv: str):
    message = f"no database at {tmp_path / 'state' / 'clinx.db'}; run `clinx serve` here or set "

    assert run(capsys, *argv.split()) == (1, "", f"clinx: {message}CLINX_STATE_DIR or CLINX_DATABASE_URL\n")
    assert not (tmp_path / "state").exists()


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
    error = "clinx: the key was used before for another amount or user; nothing changed\n"
    for amount in ("2.51", "-2.50"):
        assert run(capsys, *credit[:3], amount, *credit[4:]) == (1, "", error)


async def _charge(url: str) -> None:
    database = await Database.connect(url)
    user = await users.find(database, "ann")
    lines = ((user.account, Amount.parse("-1")), (REVENUE, Amount.parse("1")))
    at = datetime(2030, 1, 1, tzinfo=UTC)

    def charge() -> Program[None]:
        yield from ledger.append([NewEntry("settle:req-1", *line, EntryKind.CHARGE, at) for line in lines])
        for account, change in lines:
            yield from ledger.move([Movement(account, change)])

    await database.atomically(charge())
    await database.close()


def test_a_charge_is_refunded_in_parts_and_never_beyond(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, "user", "create", "ann", "--credit", "5")
    asyncio.run(_charge(f"sqlite:///{tmp_path / 'state' / 'clinx.db'}"))
    refund = ("user", "refund", "settle:req-1", "--reason", "bad answer")
    part = (*refund, "--amount", "0.25", "--key", "ticket-7")

    assert run(capsys, *part) == (0, "user:1: 0.25 refunded, 0.25 of 1 in all\n", "")
    note = " (this key was used before: nothing changed)"
    assert run(capsys, *part) == (0, f"user:1: 0.25 refunded, 0.25 of 1 in all{note}\n", "")
    assert run(capsys, *refund, "--amount", "0.8") == (1, "", "clinx: 0.75 is left of the charge of 1\n")
    assert run(capsys, *refund) == (0, "user:1: 0.75 refunded, 1 of 1 in all\n", "")
    assert run(capsys, "user", "refund", "settle:req-2", "--reason", "x") == (
        1,
        "",
        "clinx: there is no charge 'settle:req-2'\n",
    )

    assert run(capsys, "user", "show", "ann")[1].splitlines()[1] == "balance 5  held 0  leased 0  available 5"


def test_show_says_everything(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "ann", "--credit", "1")
    run(capsys, "token", "create", "ann", "--budget", "0.75")

    lines = run(capsys, "user", "show", "ann")[1].splitlines()

    assert lines[0].startswith("ann  id 1  user  active  group default  since 20")
    assert lines[1] == "balance 1  held 0  leased 0  available 1"
    assert lines[2].startswith("token 1  sk-")
    assert lines[2].endswith("default  active  spent 0  budget 0.75")
    assert '1  grant  grant:user-create:1  {"actor":"cli:' in lines[3]


async def _hold(url: str, until: datetime) -> None:
    database, supervisor = await Database.connect(url), Supervisor()
    vault = Vault(
        database, supervisor, origin=Origin("n", 1), now=lambda: until - timedelta(minutes=35), random=Random(1)
    )
    vault.start()
    user = await users.find(database, "ann")
    token = (await tokens.of_user(database, user))[0]
    await vault.reserve(
        Principal(user, token, "default"),
        Amount.parse("0.25"),
        request_id="req-1",
        revision="r1",
        lifetime=timedelta(minutes=35),
    )
    await vault.close()
    await database.close()


def test_show_says_what_is_held_and_until_when(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, "user", "create", "ann", "--credit", "1")
    run(capsys, "token", "create", "ann")
    asyncio.run(_hold(f"sqlite:///{tmp_path / 'state' / 'clinx.db'}", datetime(2030, 1, 1, 12, 35, tzinfo=UTC)))

    lines = run(capsys, "user", "show", "ann")[1].splitlines()

    assert lines[1] == "balance 1  held 0.25  leased 0  available 0.75"
    assert lines[3] == "held 0.25  token 1  req-1  until 2030-01-01 12:35:00"


async def _spend(url: str, rows: list[Spend]) -> None:
    database = await Database.connect(url)
    await database.atomically(spend.add(rows))
    await database.close()


def test_show_says_what_was_spent_this_month(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run(capsys, "user", "create", "ann", "--credit", "1")
    monkeypatch.setattr("clinx.cli.user._now", lambda: datetime(2030, 1, 20, tzinfo=UTC))
    first = (datetime(2030, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days
    sums = [(1, first - 1, "o3"), (1, first, "o3"), (1, first + 19, "o3"), (1, first, "x\x1b[2J"), (2, first, "o3")]
    rows = [Spend(SpendKey.of(user, day, 1, model, "vip"), 1, Amount(500), 3, 4) for user, day, model in sums]
    asyncio.run(_spend(f"sqlite:///{tmp_path / 'state' / 'clinx.db'}", rows))

    lines = run(capsys, "user", "show", "ann")[1].splitlines()

    assert lines[2:4] == [
        "spent 0.000001 in 2030-01  o3  calls 2  input 6  output 8",
        "spent 0.0000005 in 2030-01  x?[2J  calls 1  input 3  output 4",
    ]


def test_the_id_of_the_list_is_as_good_as_the_name(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "bob")
    run(capsys, "user", "create", "ann")

    assert run(capsys, "user", "show", "2")[1].startswith("ann  id 2  ")
    assert run(capsys, "user", "set", "2", "--status", "disabled")[1] == "ann: user, disabled, group default\n"
    assert run(capsys, "token", "list", "2")[1].startswith("ID  HINT")


def test_a_group_that_the_tree_does_not_have_is_warned_about(capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, "user", "create", "ann")
    (tmp_path / "gateway.yaml").write_text(SMALL)

    warning = "warning: the configuration has no group 'vipp'; did you mean \"vip\"?\n"
    created = run(capsys, "user", "create", "bob", "--group", "vipp")
    assert created == (0, "created bob (id 2, group vipp, balance 0)\n", warning)
    assert run(capsys, "user", "set", "bob", "--group", "vipp") == (0, "bob: user, active, group vipp\n", warning)
    assert run(capsys, "user", "set", "bob", "--group", "vip") == (0, "bob: user, active, group vip\n", "")


def test_a_password_is_drawn_and_printed_once(capsys: pytest.CaptureFixture[str]):
    run(capsys, "user", "create", "ann")

    code, out, err = run(capsys, "user", "password", "ann")

    assert (code, err) == (0, "ann has a new password; all sessions of before are over\n")
    assert re.fullmatch(r"[A-Za-z0-9_-]{20}\n", out)
    assert run(capsys, "user", "password", "ann")[1] != out


def test_a_password_is_read_from_standard_input(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    run(capsys, "user", "create", "ann")

    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    assert run(capsys, "user", "password", "ann", "--stdin") == (
        0,
        "",
        "ann has a new password; all sessions of before are over\n",
    )
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert run(capsys, "user", "password", "ann", "--stdin") == (1, "", "clinx: a password has at least 8 characters\n")


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
        (("show", "nobody"), "there is no user 'nobody'; `clinx user list` shows names and ids"),
        (
            ("credit", "nobody", "1", "--reason", "x"),
            "there is no user 'nobody'; `clinx user list` shows names and ids",
        ),
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
    monkeypatch.setenv("CLINX_DATABASE_URL", "postgres://nobody:s3cret@127.0.0.1:1/nothing")
    code, _, error = run(capsys, "user", "list")
    assert (code, error) == (
        1,
        "clinx: the database cannot be used now (postgres://127.0.0.1:1/nothing: Connection refused)\n",
    )

    monkeypatch.setenv("CLINX_DATABASE_URL", "mysql://localhost/x")
    assert run(capsys, "user", "list")[2].startswith("clinx: the database URL must be")
