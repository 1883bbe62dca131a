from __future__ import annotations

import array
import base64
import math

import pytest

from clinx.echo.vectors import as_base64, unit_vector


@pytest.mark.parametrize("dimensions", [8, 256, 1536])
def test_a_vector_has_length_one(dimensions: int) -> None:
    vector = unit_vector("hello", dimensions)

    assert len(vector) == dimensions
    assert math.isclose(math.hypot(*vector), 1.0, abs_tol=1e-6)


def test_the_same_text_has_the_same_direction_and_others_have_others() -> None:
    assert unit_vector("hello", 8) == unit_vector("hello", 8)
    assert unit_vector("hello", 8) != unit_vector("hullo", 8)
    assert unit_vector("\ud800", 8) != unit_vector("", 8)


def test_base64_holds_the_very_numbers() -> None:
    vector = unit_vector("hello", 16)

    assert list(array.array("f", base64.b64decode(as_base64(vector)))) == vector
