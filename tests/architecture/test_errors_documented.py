from __future__ import annotations

import re

from architecture.source_tree import DOCS, check
from dialects.error_tree import codes


def test_every_error_code_is_documented() -> None:
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^## (\S+)$", page, re.MULTILINE))

    check(
        codes().keys() ^ documented,
        why="a caller who meets a code must find what to do about it",
        what="give each code of clinx.errors a `## code` heading in docs/errors.md, and remove what is gone.",
    )
