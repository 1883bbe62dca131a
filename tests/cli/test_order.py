import asyncio
import re
from collections.abc import Generator
from pathlib import Path

import pytest

from clinx.cli import main
from clinx.domain.order import Order, OrderState
from clinx.storage import orders
from clinx.storage.database import Database
from support.database import lay_tables
from support.fake_payments import KEY, SECRET_KEY, WEBHOOK_SECRET, FakePayments, serving

TREE = """\
version: 1
models:
  small: {{price: free}}
channels:
  - {{name: main, provider: openai, models: [small], credentials: ["${{env:OPENAI_API_KEY}}"]}}
payments:
  return_url: https://console.example/billing
  callback_url: https://gw.example
  epay: {{url: "{url}", merchant: "1001", key: "${{env:EPAY_KEY}}", rate: "7.3", methods: [alipay]}}
  stripe: {{url: "{url}", secret_key: "${{env:STRIPE_SECRET_KEY}}", webhook_secret: "${{env:STRIPE_WEBHOOK_SECRET}}"}}
"""


@pytest.fixture(autouse=True)
def _state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv("CLINX_DATABASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("EPAY_KEY", KEY)
    monkeypatch.setenv("STRIPE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
    lay_tables(tmp_path / "state" / "clinx.db")
    assert main(["user", "create", "ann"]) == 0
    capsys.readouterr()


@pytest.fixture
def site(tmp_path: Path) -> Generator[FakePayments]:
    """The providers, answering on a loop of their own while a command runs on its."""
    with serving() as opened:
        (tmp_path / "gateway.yaml").write_text(TREE.format(url=opened.url))
        yield opened


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = main(argv)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def stored(tmp_path: Path) -> list[Order]:
    async def read() -> list[Order]:
        database = await Database.connect(f"sqlite:///{tmp_path / 'state' / 'clinx.db'}")
        try:
            return await orders.latest(database)
        finally:
            await database.close()

    return asyncio.run(read())


CREATE_EPAY = ("order", "create", "ann", "10", "--provider", "epay", "--method", "alipay")
CREATE_STRIPE = ("order", "create", "ann", "10", "--provider", "stripe")


def test_an_epay_order_is_a_link_to_open(site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code, out, err = run(capsys, *CREATE_EPAY)

    (order,) = stored(tmp_path)
    assert (code, err) == (0, f"{order.id}: ann pays 73.00 CNY for 10\n")
    assert out.startswith(f"{site.url}/submit.php?pid=1001&type=alipay&out_trade_no={order.id}&")
    assert out.count("\n") == 1


def test_a_stripe_order_is_the_session_s_page(site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    code, out, err = run(capsys, *CREATE_STRIPE)

    (order,) = stored(tmp_path)
    assert (code, out, err) == (0, f"{site.url}/pay/1\n", f"{order.id}: ann pays 10.00 USD for 10\n")
    assert order.reference == "cs_test_1"


def test_orders_are_listed_and_shown(site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, *CREATE_EPAY)
    (order,) = stored(tmp_path)

    code, out, _ = run(capsys, "order", "list", "--user", "ann", "--state", "pending")
    header, row = out.splitlines()
    assert code == 0
    assert header.split() == ["ORDER", "USER", "PROVIDER", "METHOD", "AMOUNT", "PRICE", "STATE", "MADE"]
    assert row.split()[:8] == [order.id, "1", "epay", "alipay", "10", "73.00", "CNY", "pending"]
    assert run(capsys, "order", "list", "--state", "paid")[1].count("\n") == 1

    code, out, _ = run(capsys, "order", "show", order.id)
    assert code == 0
    assert out.splitlines()[:2] == [
        f"{order.id}  user 1  epay alipay  pending",
        "amount 10  price 73.00 CNY  reference -",
    ]


def test_a_lost_callback_is_made_up_for(site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, *CREATE_EPAY)
    (order,) = stored(tmp_path)
    assert run(capsys, "order", "reconcile") == (0, "asked 0  credited 0  expired 0\n", ""), "it is too young"
    assert run(capsys, "order", "reconcile", order.id) == (0, "asked 1  credited 0  expired 0\n", "")

    site.paid(order.id, "73.00")
    assert run(capsys, "order", "reconcile", order.id) == (0, "asked 1  credited 1  expired 0\n", "")

    assert stored(tmp_path)[0].state is OrderState.PAID
    assert re.search(r"balance 10 ", run(capsys, "user", "show", "ann")[1])
    assert run(capsys, "order", "show", order.id)[1].splitlines()[-1].endswith("  credited  -")


def test_a_provider_that_is_away_is_told_and_exits_1(
    site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    run(capsys, *CREATE_EPAY)
    (order,) = stored(tmp_path)
    site.status = 500

    told = (1, "asked 1  credited 0  expired 0\n", "clinx: epay: status 500\n")
    assert run(capsys, "order", "reconcile", order.id) == told
    assert run(capsys, *CREATE_STRIPE) == (1, "", "clinx: stripe: not today\n")


def test_a_pending_order_is_cancelled_once(site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    run(capsys, *CREATE_EPAY)
    (order,) = stored(tmp_path)

    assert run(capsys, "order", "cancel", order.id) == (0, f"{order.id}: cancelled\n", "")
    refusal = f"clinx: {order.id} is cancelled: only a pending order can be cancelled\n"
    assert run(capsys, "order", "cancel", order.id) == (1, "", refusal)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("order", "create", "bob", "10", "--provider", "stripe"), "there is no user 'bob'"),
        (("order", "create", "ann", "0.5", "--provider", "stripe"), "an amount is from 1 to 10000"),
        (("order", "create", "ann", "10", "--provider", "epay"), "epay takes no 'checkout'; it takes alipay"),
        (("order", "show", "ord1"), "there is no order 'ord1'"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_made(
    site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path, argv: tuple[str, ...], said: str
):
    code, out, err = run(capsys, *argv)

    assert (code, out) == (1, "")
    assert said in err
    assert stored(tmp_path) == []


def test_the_tree_must_sell_and_its_own_secrets_must_be_there(
    site: FakePayments, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
    assert run(capsys, *CREATE_STRIPE)[::2] == (
        1,
        "clinx: a secret of the payments cannot be found from here; see `clinx check`\n",
    )
    (tmp_path / "gateway.yaml").write_text("version: 1\n")
    assert run(capsys, *CREATE_STRIPE)[::2] == (1, "clinx: the configuration declares no payments\n")
    (tmp_path / "gateway.yaml").write_text("nonsense: 1\n")
    code, _, err = run(capsys, *CREATE_STRIPE)
    assert (code, "does not compile" in err) == (1, True)
    assert (stored(tmp_path), site.forms) == ([], [])
