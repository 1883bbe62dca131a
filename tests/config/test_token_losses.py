from __future__ import annotations

from dataclasses import replace

import pytest

from clinx.config.effects import Served
from clinx.config.token_losses import TokenLoss, TokenLosses
from clinx.domain.identity import Status, Token, User
from clinx.relay.rehearsal import NOBODY
from support.rehearsals import AFTER, BEFORE, served

ANN = replace(NOBODY, id=1, name="ann")
VIP = replace(NOBODY, id=2, name="bob", group="vip")
TOKEN = Token(1, 1, "ci", "", Status.ACTIVE)


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> tuple[Served, Served]:
    folder = tmp_path_factory.mktemp("trees")
    return served(folder / "before", BEFORE), served(folder / "after", AFTER)


def losses(trees: tuple[Served, Served], *owned: tuple[Token, User]) -> list[TokenLoss]:
    return list(TokenLosses(trees[0].snapshot, trees[1].snapshot).among(owned))


def test_a_token_loses_what_its_group_loses_as_far_as_it_may_use_it(trees: tuple[Served, Served]) -> None:
    narrow = replace(TOKEN, id=2, name="narrow", models=frozenset({"small", "old", "any-thing"}))

    assert losses(trees, (TOKEN, ANN), (narrow, ANN), (TOKEN, VIP)) == [
        TokenLoss(1, "ci", "ann", "default", ("any-*", "large", "old"), is_all=False),
        TokenLoss(2, "narrow", "ann", "default", ("any-thing", "old"), is_all=False),
        TokenLoss(1, "ci", "bob", "vip", ("old",), is_all=False),
    ]


def test_a_token_that_is_left_with_nothing_is_told_apart(trees: tuple[Served, Served]) -> None:
    only = replace(TOKEN, models=frozenset({"old"}))

    assert losses(trees, (only, ANN)) == [TokenLoss(1, "ci", "ann", "default", ("old",), is_all=True)]


def test_tokens_that_cannot_be_used_anyway_lose_nothing(trees: tuple[Served, Served]) -> None:
    off = replace(TOKEN, status=Status.DISABLED)

    assert losses(trees, (off, ANN), (TOKEN, replace(ANN, status=Status.DISABLED))) == []


def test_a_channel_is_stranded_when_no_group_that_is_used_sees_it(trees: tuple[Served, Served]) -> None:
    seen = TokenLosses(trees[0].snapshot, trees[1].snapshot)
    list(seen.among([(TOKEN, ANN)]))
    assert seen.stranded() == ("one",)

    list(seen.among([(TOKEN, VIP)]))
    assert seen.stranded() == ()
