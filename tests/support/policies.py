"""Rules and what they are tried on.

rules = compile_rules(tmp_path, "- {name: a, deny: {}}")
verdict = judge(rules, facts(model="o3"))
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from multidict import CIMultiDict

from clinx.dialects.body import JsonBody
from clinx.domain.identity import Role, Status, Token, User
from clinx.domain.operation import Operation
from clinx.policies.facts import Facts
from clinx.policies.policy_set import PolicySet
from support.tree import compile_files

THURSDAY = datetime(2026, 1, 1, 12, tzinfo=UTC)
OFFERED = ("small", "large")

TREE = """\
version: 1
models: {small: {price: free}, large: {price: free}}
channels:
  - {name: main, provider: echo, models: [small, large], tags: [eu, fast]}
  - {name: spare, provider: echo, models: [small], tags: [us]}
"""


def compile_rules(folder: Path, rules: str) -> PolicySet:
    """Compile one file of rules, without the shipped ones."""
    shipped = ("10-aliases", "20-gpts", "30-reasoning-effort", "40-thinking", "50-headers")
    emptied = {f"policies/{name}.yaml": "" for name in shipped}
    return compile_files(folder, {"gateway.yaml": TREE, "policies/rules.yaml": rules, **emptied}).snapshot.policies


def facts(
    body: Mapping[str, Any] | JsonBody | None = None, *, headers: Mapping[str, str] | None = None, **changes: Any
) -> Facts:
    """Return what conditions see of a small call at noon of a Thursday."""
    given: dict[str, Any] = {
        "user": User(7, "alice", Role.USER, Status.ACTIVE, "default", THURSDAY),
        "token": Token(70, 7, "laptop", "sk-…", Status.ACTIVE, tags={"region": "eu"}),
        "group": "default",
        "model": "small",
        "operation": Operation.CHAT,
        "dialect": "openai_chat",
        "stream": False,
        "headers": CIMultiDict(headers or {}),
        "address": "10.1.2.3",
        "at": THURSDAY,
        "body": body if isinstance(body, JsonBody) else JsonBody.parse(msgspec.json.encode(body or {})),
        "offers": OFFERED.__contains__,
    }
    return Facts(**{**given, **changes})
