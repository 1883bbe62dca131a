from __future__ import annotations

from pathlib import Path

import pytest

from support.tree import compile_files

TREE = """\
version: 1
models:
  gpt-4: {price: free, vendor: exact}
  gpt-*: {price: free, vendor: short}
  gpt-4*: {price: free, vendor: long}
  "*-mini": {price: free, vendor: suffix}
channels: [{name: c, provider: echo, models: ["*"]}]
"""


@pytest.mark.parametrize(
    ("asked", "vendor"),
    [
        ("gpt-4", "exact"),
        ("gpt-4o", "long"),
        ("gpt-5", "short"),
        ("gpt-5-mini", "suffix"),
        ("claude-mini", "suffix"),
    ],
)
def test_an_exact_name_wins_then_the_longest_pattern(tmp_path: Path, asked: str, vendor: str) -> None:
    model = compile_files(tmp_path, {"gateway.yaml": TREE}).snapshot.model(asked)

    assert model is not None
    assert model.vendor == vendor


def test_a_name_nothing_stands_for_has_no_model(tmp_path: Path) -> None:
    assert compile_files(tmp_path, {"gateway.yaml": TREE}).snapshot.model("claude") is None
