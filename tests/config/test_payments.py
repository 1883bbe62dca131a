from fractions import Fraction
from pathlib import Path

import pytest

from clinx.config.secrets import PLACEHOLDER
from clinx.domain.currency import Currency
from clinx.domain.money import Amount
from clinx.domain.payments import EPayAccount, Payments, StripeAccount, Terms
from support.tree import ENVIRON, SMALL, compile_files, findings

EPAY = '{url: "https://pay.example/", merchant: "1001", key: "${env:UPSTREAM_KEY}", rate: "7.3", methods: [alipay]}'
STRIPE = '{secret_key: "${env:UPSTREAM_KEY}", webhook_secret: "${env:UPSTREAM_KEY_B}"}'
KEY, KEY_B = ENVIRON["UPSTREAM_KEY"], ENVIRON["UPSTREAM_KEY_B"]


def tree(**section: str) -> dict[str, str]:
    """A small tree with these payments, and a group."""
    given = {"return_url": "https://console.example/billing", "callback_url": "https://gw.example/", **section}
    lines = [f"  {key}: {value}" for key, value in given.items() if value]
    return {"gateway.yaml": SMALL + "groups: {vip: {}}\npayments:\n" + "\n".join(lines) + "\n"}


def compiled(folder: Path, **section: str) -> Payments:
    found = compile_files(folder, tree(**section)).snapshot.payments
    assert found is not None
    return found


def codes(folder: Path, **section: str) -> list[str]:
    return [f"{each.line} {each.code}" for each in findings(folder, tree(**section)) if each.code != "W208"]


def test_without_the_section_nothing_is_sold(tmp_path: Path) -> None:
    assert compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot.payments is None
    assert compile_files(tmp_path, {"gateway.yaml": SMALL + "payments:\n"}).snapshot.payments is None


def test_the_section_is_compiled_with_its_secrets(tmp_path: Path) -> None:
    sold = compiled(
        tmp_path,
        amounts='["50", 5, "5.0", "0.5"]',
        minimum='"0.5"',
        maximum='"100"',
        group_discounts='{vip: "0.9"}',
        epay=EPAY,
        stripe='{secret_key: "${env:UPSTREAM_KEY}", webhook_secret: "${env:UPSTREAM_KEY_B}",'
        ' currency: JPY, rate: "150", url: "http://127.0.0.1:1/"}',
    )

    assert sold == Payments(
        amounts=(Amount.parse("0.5"), Amount.parse("5"), Amount.parse("50")),
        minimum=Amount.parse("0.5"),
        maximum=Amount.parse("100"),
        discounts={"vip": Fraction("0.9")},
        return_url="https://console.example/billing",
        callback_url="https://gw.example",
        epay=EPayAccount(Terms(Currency.of("CNY"), Fraction("7.3"), ("alipay",)), "https://pay.example", "1001", KEY),
        stripe=StripeAccount(Terms(Currency.of("JPY"), Fraction(150)), "http://127.0.0.1:1", KEY, KEY_B),
    )


def test_what_is_absent_has_a_default(tmp_path: Path) -> None:
    sold = compiled(tmp_path, stripe=STRIPE, callback_url="")

    assert sold == Payments(
        amounts=(),
        minimum=Amount.parse("1"),
        maximum=Amount.parse("10000"),
        discounts={},
        return_url="https://console.example/billing",
        callback_url=None,
        epay=None,
        stripe=StripeAccount(Terms(Currency.of("USD"), Fraction(1)), "https://api.stripe.com", KEY, KEY_B),
    )


def test_stripe_takes_the_ledger_s_currency_when_it_is_not_told_another(tmp_path: Path) -> None:
    files = tree(stripe=STRIPE)
    files["gateway.yaml"] += "currency: EUR\n"

    sold = compile_files(tmp_path, files).snapshot.payments

    assert sold is not None
    assert sold.stripe is not None
    assert sold.stripe.terms.currency == Currency.of("EUR")


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({"amounts": '["0.5"]'}, ["10 E303"]),
        ({"amounts": '["10001"]'}, ["10 E303"]),
        ({"amounts": '["0.0000000001"]'}, ["10 E303"]),
        ({"minimum": "0"}, ["10 E303"]),
        ({"minimum": '"5"', "maximum": '"4"'}, ["11 E303"]),
        ({"group_discounts": '{vpi: "0.9"}'}, ["10 E202"]),
        ({"group_discounts": '{vip: "0"}'}, ["10 E303"]),
        ({"return_url": "console.example"}, ["8 E303"]),
        ({"return_url": ""}, ["8 E302"]),
        ({"callback_url": "ftp://gw.example"}, ["9 E303"]),
        ({"callback_url": "https://gw.example/?a=b"}, ["9 E303"]),
        ({"callback_url": "", "epay": EPAY}, ["9 E302"]),
        ({"epay": EPAY.replace("https://", "")}, ["10 E303"]),
        ({"epay": EPAY.replace('"7.3"', "0")}, ["10 E303"]),
        ({"epay": EPAY.replace("[alipay]", "[]")}, ["10 E303"]),
        ({"epay": EPAY.replace('"1001"', '"10 01"')}, ["10 E303"]),
        ({"epay": EPAY.replace("${env:UPSTREAM_KEY}", "sk-0123456789abcdef")}, ["10 E401"]),
        ({"epay": EPAY.replace("UPSTREAM_KEY", "HOME")}, ["10 E402"]),
        ({"epay": EPAY.replace("UPSTREAM_KEY", "UPSTREAM_NONE")}, ["10 E403"]),
        ({"epay": EPAY.replace("1001", "${env:UPSTREAM_KEY}")}, ["10 E303"]),
        ({"epay": EPAY.replace("pay.example", "${env:UPSTREAM_KEY}")}, ["10 E303", "10 E404"]),
        ({"return_url": '"https://${env:UPSTREAM_KEY}/"'}, ["8 E303", "8 E404"]),
        ({"stripe": STRIPE.replace("${env:UPSTREAM_KEY_B}", "whsec")}, ["10 E401"]),
        ({"stripe": STRIPE.replace("secret_key", "secretkey")}, ["10 E301"]),
    ],
    ids=str,
)
def test_what_is_wrong_is_found_where_it_is(tmp_path: Path, section: dict[str, str], found: list[str]) -> None:
    assert sorted(codes(tmp_path, **section)) == found


def test_a_secret_that_was_written_down_is_never_quoted(tmp_path: Path) -> None:
    section = {"epay": EPAY.replace("${env:UPSTREAM_KEY}", "sk-0123456789abcdef")}

    assert not any("0123456789" in str(each) for each in findings(tmp_path, tree(**section)))


def test_offline_a_missing_secret_is_a_warning(tmp_path: Path) -> None:
    files = tree(stripe=STRIPE.replace("UPSTREAM_KEY_B", "UPSTREAM_NONE"))

    result = compile_files(tmp_path, files, placeholders=True)

    assert "W403" in {each.code for each in result.diagnostics}
    assert result.snapshot.payments is not None
    assert result.snapshot.payments.stripe is not None
    assert result.snapshot.payments.stripe.webhook_secret == PLACEHOLDER


def test_only_the_root_may_sell(tmp_path: Path) -> None:
    files = {
        "gateway.yaml": SMALL + "include: [more.yaml]\n",
        "more.yaml": "payments: {return_url: https://console.example}\n",
    }

    assert [str(each)[:16] for each in findings(tmp_path, files)] == ["more.yaml:1:1 E3"]
