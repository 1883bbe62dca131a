from __future__ import annotations

import pytest
from msgspec import Raw

from clinx.canonical.content import EMPTY_OBJECT, as_object


@pytest.mark.parametrize("arguments", ["", " \n"])
def test_no_arguments_are_an_empty_object(arguments: str) -> None:
    assert as_object(arguments) == EMPTY_OBJECT


def test_an_object_keeps_its_text() -> None:
    assert as_object(' {"a": 1.0, "b":"é"}\n') == Raw('{"a": 1.0, "b":"é"}'.encode())


@pytest.mark.parametrize("arguments", ["[]", "1", '"a"', "null", '{"a":', "{} {}", "\ud800", '{"a":' + "[" * 9000])
def test_anything_else_is_no_object(arguments: str) -> None:
    assert as_object(arguments) is None
