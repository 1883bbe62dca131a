from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from clinx.domain.identity import Status, Token
from clinx.domain.usage import Usage
from clinx.relay.inquiries.again import again, as_text
from support.database import request_log
from support.rehearsals import BEFORE
from support.tree import compile_files

LOG = replace(request_log("req-1"), asked_model="small-high", model="small", group="default", usage=Usage(input=10**6))


def test_what_the_caller_asked_for_is_asked_again(tmp_path: Path) -> None:
    found = again(compile_files(tmp_path, BEFORE).snapshot, LOG, None, None)

    assert found is not None
    assert (found.model, [each.channel.name for each in found.candidates]) == ("small", ["one", "two"])
    told = as_text(found, LOG, "r9").splitlines()
    assert told[1].startswith("The same under revision r9; rules that look at the body or the headers see nothing")
    assert told[-1] == "          comes to 0.5"


def test_the_token_as_it_is_now_decides(tmp_path: Path) -> None:
    token = Token(7, 1, "ci", "", Status.ACTIVE, models=frozenset({"large"}))

    found = again(compile_files(tmp_path, BEFORE).snapshot, LOG, None, token)

    assert found is not None
    assert found.refusal is not None
    assert found.refusal.code == "model_not_allowed"


@pytest.mark.parametrize(
    "log",
    [replace(LOG, asked_model=None, model=None), replace(LOG, group=None), replace(LOG, operation="list_models")],
    ids=["no model", "no group", "a question"],
)
def test_what_says_too_little_is_not_rehearsed(tmp_path: Path, log: object) -> None:
    assert again(compile_files(tmp_path, BEFORE).snapshot, log, None, None) is None  # pyright: ignore[reportArgumentType]
