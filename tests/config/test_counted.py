from __future__ import annotations

from pathlib import Path

from clinx.config.counted import uncounted
from support.tree import SMALL, compile_files

RULES = """\
- name: few
  limit: {requests: 60, per: 1m}
- name: quiet
  deny: {message: No.}
  when: model == 'none'
- name: cap
  budget: {amount: "1", per: day}
"""


def test_rules_that_count_are_found_where_they_are_written(tmp_path: Path) -> None:
    compiled = compile_files(tmp_path, {"gateway.yaml": SMALL, "policies/rules.yaml": RULES})

    found = [str(each) for each in uncounted(compiled.snapshot, 4)]

    hint = "Set CLINX_REDIS, or serve with one worker."
    assert found == [
        f"policies/rules.yaml:2:10 E503 limit 'few' cannot be counted by 4 workers apart ({hint})",
        f"policies/rules.yaml:7:11 E503 budget 'cap' cannot be counted by 4 workers apart ({hint})",
    ]


def test_other_rules_need_no_counting(tmp_path: Path) -> None:
    assert list(uncounted(compile_files(tmp_path, {"gateway.yaml": SMALL}).snapshot, 4)) == []
