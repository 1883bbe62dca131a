from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from architecture.source_tree import REPOSITORY


@pytest.mark.parametrize("document", ["gateway", "provider"])
def test_the_checked_in_schema_is_the_one_the_code_prints(document: str, tmp_path: Path) -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "clinx", "schema", document], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert printed.returncode == 0, printed.stderr

    checked_in = REPOSITORY / "schemas" / f"{document}.schema.json"
    assert checked_in.is_file(), f"editors read {checked_in.name}; write it: clinx schema --write schemas"
    if json.loads(checked_in.read_text(encoding="utf-8")) != json.loads(printed.stdout):
        pytest.fail(
            f"editors would check against an old {checked_in.name}; run: clinx schema --write schemas", pytrace=False
        )
