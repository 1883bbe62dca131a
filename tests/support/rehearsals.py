"""Two trees that differ in everything a plan tells, and how to compile them.

before, after = served(tmp_path, BEFORE), served(tmp_path, AFTER)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from clinx.config.effects import Served
from clinx.config.tree import default_tree, read_tree
from support.tree import compile_root, tree

GATEWAY = """\
version: 1
groups:
  default: {}
  vip: {multiplier: "0.5"}
  auto: {tries: [vip, default]}
models:
  small: {price: {input: "1", output: "2", per: 1M}, max_output: 4096}
  large:
    price:
      - {upto: 200k, input: "2", output: "8", per: 1M}
      - {input: "4", output: "16", per: 1M}
    max_output: 4096
  old: {price: free}
  "any-*": {price: {call: "0.01", when: [{if: "request.n > 1", call: "0.02"}]}, max_output: 4096}
channels:
  - {name: one, provider: echo, models: [small, large, old, "any-*"], groups: [default, vip], weight: 3, tags: [eu]}
  - {name: two, provider: echo, models: [small], groups: [default, vip], weight: 1, limits: {rpm: 10}}
"""
RULES = """\
- name: effort
  when: model is match('^small-(high|low)$')
  rewrite: {model: small, set: {effort: '{{ model.rsplit("-", 1)[1] }}'}}
- name: rate
  when: group == 'default'
  limit: {requests: 60, per: 1m, of: user}
- name: night
  when: now.hour < 6
  multiply: {price: "0.5"}
- name: nobody
  when: user.name == 'mallory'
  deny: {message: not you}
"""
BEFORE: Mapping[str, str] = {"gateway.yaml": GATEWAY, "policies/rules.yaml": RULES}
AFTER: Mapping[str, str] = {
    "gateway.yaml": GATEWAY.replace('input: "1", output: "2"', 'input: "1.25", output: "2"')
    .replace('"0.5"', '"0.4"')
    .replace("  old: {price: free}\n", "")
    .replace("large, old,", "large,")
    .replace("weight: 1, limits: {rpm: 10}", "weight: 2, limits: {rpm: 20}")
    .replace('"any-*"], groups: [default, vip]', '"any-*"], groups: [vip]')
    + "  - {name: three, provider: echo, models: [small], groups: [vip]}\nserver: {max_body: 1MiB}\n",
    "policies/rules.yaml": RULES.replace("requests: 60", "requests: 100").replace(
        "- name: nobody\n  when: user.name == 'mallory'\n  deny: {message: not you}\n",
        "- name: new\n  when: user.name == 'eve'\n  deny: {}\n",
    ),
}


def served(folder: Path, files: Mapping[str, str]) -> Served:
    """Write a tree and compile it."""
    root = tree(folder, files)
    return Served(read_tree(root, default_tree()), compile_root(root).snapshot)
