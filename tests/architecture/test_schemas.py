from __future__ import annotations

import json

import pytest

from architecture.source_tree import REPOSITORY
from clinx.cli import main


@pytest.mark.parametrize("document", ["gateway", "provider", "policy", "policy-tests"])
def test_the_checked_in_schema_is_the_one_the_code_prints(document: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema", document]) == 0
    printed = capsys.readouterr().out

    checked_in = REPOSITORY / "schemas" / f"{document}.schema.json"
    assert checked_in.is_file(), f"editors read {checked_in.name}; write it: clinx schema --write schemas"
    if json.loads(checked_in.read_text(encoding="utf-8")) != json.loads(printed):
        pytest.fail(
            f"editors would check against an old {checked_in.name}; run: clinx schema --write schemas", pytrace=False
        )
