"""What rules cost a request: ``python -m bench.rules``. Nothing is sent; `judge` is called in a loop.

The sets: none; the shipped ones; 200 that each concern one token, model or group (as a gateway with many customers
has them); 200 that only test the body, one member of it or each another; 200 that compare what every call has with
numbers, so that every call must try each.
"""

from __future__ import annotations

import tempfile
import timeit
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from msgspec import structs
from multidict import CIMultiDict

from clinx.config.compile import compile_tree
from clinx.config.conditions import POLICY_NAMES, compile_condition
from clinx.config.secrets import SecretResolver
from clinx.config.tree import default_tree, read_tree
from clinx.dialects.body import JsonBody
from clinx.dialects.registry import DIALECTS
from clinx.domain.identity import Role, Status, Token, User
from clinx.domain.operation import Operation
from clinx.policies.draft import Draft
from clinx.policies.facts import Facts, scope
from clinx.policies.judge import judge
from clinx.policies.policy_set import NO_POLICIES, PolicySet

RULES = 200
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TREE = """\
version: 1
models: {gpt-4o: {price: free}}
channels: [{name: main, provider: echo, models: [gpt-4o], tags: [eu]}]
"""

CONDITIONS = (
    "user.group == 'default'",
    "token.name is match('^intern-') and now.hour not in range(9, 18)",
    "model is match('^(o[0-9].*|gpt-5.*)-(high|medium|low)$')",
    "model.endswith(['-high', '-low']) and model not in offered",
    "token.tags.region == 'eu'",
    "request.max_tokens > 1000 or request.messages|length > 20",
    "address is within('10.0.0.0/8', '192.168.0.0/16')",
    "header['x-team'] == 'blue' and operation in ['chat', 'embed']",
)


def main() -> None:
    """Print a table."""
    print(f"{'rules':50} {'µs/request':>10}")
    for name, policies, facts in _cases():
        print(f"{name:50} {_microseconds(_judging(policies, facts)):10.2f}")
    print(f"\n{'condition':66} {'µs':>6}")
    names = scope(_facts(), "gpt-4o", Draft(_facts().body))
    for source in CONDITIONS:
        print(f"{source:66} {_microseconds(_trying(source, names)):6.2f}")


def _cases() -> Iterator[tuple[str, PolicySet, Facts]]:
    facts = _facts()
    yield "none", NO_POLICIES, facts
    yield "the shipped ones, none matches", _compiled(""), facts
    effort = structs.replace(facts, model="o3-mini-high")
    yield "the shipped ones, o3-mini-high", _compiled(""), effort
    many = _compiled("\n".join(map(_concerning_one, range(RULES))))
    yield f"{RULES} for one token, model or group, none matches", many, facts
    token = Token(3, 7, "customer-3", "sk-…", Status.ACTIVE)
    yield f"{RULES} for one token, model or group, 1 matches", many, structs.replace(facts, token=token)
    asked = structs.replace(facts, body=JsonBody.parse(facts.body.patched({"n": b"0", "metadata": b'{"a":1}'})))
    same = _compiled("\n".join(f"- {{name: r{n}, when: request.n == {n + 1}, deny: {{}}}}" for n in range(RULES)))
    yield f"{RULES} that test one member of the body, none matches", same, asked
    apart = _compiled(
        "\n".join(f"- {{name: r{n}, when: request.metadata.a{n} == 'x', deny: {{}}}}" for n in range(RULES))
    )
    yield f"{RULES} that each test another, none matches", apart, asked
    loose = _compiled("\n".join(f"- {{name: r{n}, when: request.n > {n + 1}, deny: {{}}}}" for n in range(RULES)))
    yield f"{RULES} that compare a number, each is tried", loose, asked


def _concerning_one(n: int) -> str:
    tests = (
        f"token.name == 'customer-{n}'",
        f"model is match('^vendor-{n}-') and stream",
        f"user.group == 'group-{n}' and now.hour in range(0, 6)",
    )
    return f'- {{name: r{n}, when: "{tests[n % 3]}", multiply: {{price: "0.9"}}}}'


def _compiled(rules: str) -> PolicySet:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "policies").mkdir()
        (root / "gateway.yaml").write_text(TREE, encoding="utf-8")
        (root / "policies" / "rules.yaml").write_text(rules, encoding="utf-8")
        tree = read_tree(root, default_tree())
        secrets = SecretResolver({}, root, ())
        return compile_tree(tree, secrets=secrets, dialects=DIALECTS, at=NOON).snapshot.policies


def _facts() -> Facts:
    message = b'{"role":"user","content":"' + b"x" * 1000 + b'"}'
    return Facts(
        user=User(7, "alice", Role.USER, Status.ACTIVE, "default", NOON),
        token=Token(70, 7, "laptop", "sk-…", Status.ACTIVE),
        group="default",
        model="gpt-4o",
        operation=Operation.CHAT,
        dialect="openai_chat",
        stream=False,
        headers=CIMultiDict({"X-Team": "red"}),
        address="192.0.2.1",
        at=NOON,
        body=JsonBody.parse(b'{"model":"gpt-4o","messages":[' + message + b"]}"),
        offers=lambda name: name == "gpt-4o",
    )


def _judging(policies: PolicySet, facts: Facts) -> Callable[[], object]:
    return lambda: judge(policies, facts)


def _trying(source: str, names: Mapping[str, object]) -> Callable[[], object]:
    condition = compile_condition(source, POLICY_NAMES)
    return lambda: condition(names)


def _microseconds(call: Callable[[], object]) -> float:
    timer = timeit.Timer(call)
    number, _ = timer.autorange()
    return min(timer.repeat(5, number)) / number * 1e6


if __name__ == "__main__":
    main()
