from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from clinx.config.document import parse
from clinx.config.nodes import Node
from clinx.config.snapshot import Snapshot
from clinx.config.succession import objections
from support.tree import SMALL, compile_files


@pytest.fixture
def served(tmp_path: Path) -> Snapshot:
    return compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot


def document(text: str) -> Node:
    root = parse("gateway.yaml", text.encode()).root
    assert root is not None
    return root


def said(served: Snapshot, successor: Snapshot, text: str) -> list[str]:
    return [str(each) for each in objections(served, successor, document(text))]


def test_whatever_keeps_the_currency_and_a_channel_may_follow(served: Snapshot) -> None:
    assert said(served, replace(served, models={}, groups={}), SMALL) == []


def test_no_channels_may_not_follow_some(served: Snapshot) -> None:
    idle = replace(served, channels={})
    expected = (
        "E501 no channels are left of 1: the file is half written, it seems (to serve a tree without channels, restart)"
    )

    assert said(served, idle, "version: 1\n") == [f"gateway.yaml:1:1 {expected}"]
    assert said(served, idle, "version: 1\nchannels: []\n") == [f"gateway.yaml:2:1 {expected}"]


def test_no_channels_may_follow_none(served: Snapshot) -> None:
    idle = replace(served, channels={})

    assert said(idle, idle, "version: 1\n") == []
    assert said(idle, served, SMALL) == []


def test_another_currency_may_not_follow(served: Snapshot) -> None:
    other = replace(served, currency="EUR")

    assert said(served, other, "currency: EUR\n" + SMALL) == [
        (
            "gateway.yaml:1:11 E502 the ledger is kept in USD "
            "(to serve in EUR, restart with an empty ledger: a new database)"
        )
    ]
    assert [each.split(" ")[1] for each in said(other, served, SMALL)] == ["E502"]
