from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from clinx.cli import main
from support.fake_upstream import FakeUpstream
from support.gateway import running_gateway
from support.tree import SMALL, tree

CHANNELS = """\
version: 1
models: {m: {price: free}}
channels:
  - name: main
    provider: one-api
    base_url: {url}
    credentials: ["${env:UPSTREAM_KEY}"]
    models: [m]
  - {name: silent, provider: openai, credentials: ["${env:UPSTREAM_KEY}"], models: [m]}
"""
HEADER = "CREDENTIAL  REFERENCE            BALANCE  CURRENCY\n"


@pytest.fixture
async def upstream() -> AsyncIterator[FakeUpstream]:
    async with FakeUpstream() as server:
        yield server


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLINX_ROOT", str(tmp_path / "asked"))
    monkeypatch.setenv("CLINX_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("UPSTREAM_KEY", "vendor-secret-0123456789")
    monkeypatch.delenv("CLINX_ENV_PREFIXES", raising=False)
    return tmp_path / "asked"


async def asked(root: Path, url: str, name: str = "main", channels: str = CHANNELS) -> int:
    tree(root, {"gateway.yaml": channels.replace("{url}", url)})
    return await asyncio.to_thread(main, ["channel", "balance", name])


async def test_what_is_left_is_printed(root: Path, upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]) -> None:
    upstream.answers(json={"hard_limit_usd": 20}).answers(json={"total_usage": 1250.5})

    assert await asked(root, upstream.url) == 0

    assert capsys.readouterr().out == HEADER + "8e4be683    ${env:UPSTREAM_KEY}  7.495    USD\n"
    assert [each.path for each in upstream.requests] == [
        "/v1/dashboard/billing/subscription",
        "/v1/dashboard/billing/usage",
    ]


async def test_why_nothing_is_known_is_printed_and_is_a_no(
    root: Path, upstream: FakeUpstream, capsys: pytest.CaptureFixture[str]
) -> None:
    upstream.answers(status=401, json={"error": {"message": "who is vendor-secret-0123456789?"}})

    assert await asked(root, upstream.url) == 1

    out = capsys.readouterr().out
    assert "8e4be683    ${env:UPSTREAM_KEY}  refused: status 401: who is …?  -" in out
    assert "vendor-secret" not in out


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mian", """clinx: the configuration has no channel 'mian'; did you mean "main"?\n"""),
        ("silent", 'clinx: The provider "openai" does not say how it is asked what is left.\n'),
    ],
)
async def test_who_cannot_be_asked(
    root: Path, upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    assert await asked(root, upstream.url, name) == 1

    assert capsys.readouterr() == ("", why)
    assert upstream.requests == []


async def test_a_tree_whose_secrets_are_elsewhere_asks_nobody(
    root: Path, upstream: FakeUpstream, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UPSTREAM_KEY")

    assert await asked(root, upstream.url) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    assert "gateway.yaml:7:19 E403" in captured.err
    assert captured.err.endswith("clinx channel: the tree cannot be served, and so nobody can be asked\n")
    assert upstream.requests == []


async def test_another_gateway_of_this_kind_tells_what_a_key_has_left(
    tmp_path: Path, root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running_gateway(tmp_path, {"gateway.yaml": SMALL}, watch=False) as running:
        monkeypatch.setenv("UPSTREAM_KEY", await running.key(credit="12.34"))

        assert await asked(root, running.url) == 0

    assert capsys.readouterr().out.splitlines()[1].split()[1:] == ["${env:UPSTREAM_KEY}", "12.34", "USD"]
