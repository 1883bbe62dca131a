from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import parse
from clinx.config.policy_guards import MAX_WORDS, compile_guard
from clinx.config.policy_schema import RuleShape
from clinx.config.shape import read_shape
from clinx.policies.guard import GuardAction, GuardRule
from support.tree import compile_files

FILES = {"policies/words/bad.txt": "\ufeff# list\nGeheim \n\nzwei Worte\n".encode(), "policies/p.yaml": b""}


def compiled(guard: str, files: Mapping[str, bytes] = FILES) -> tuple[GuardRule | None, list[str]]:
    """Compile the guard of a rule; what is wrong comes as ``line:column code message (hint)``."""
    node = parse("policies/p.yaml", f"- name: rule\n  guard: {guard}\n".encode()).root
    assert node is not None
    found: list[Diagnostic] = []
    shape = read_shape(node.items[0], RuleShape, found)
    rule = compile_guard(shape, node.items[0].map["guard"], files, found) if shape is not None else None
    return rule, [f"{each.line}:{each.column} {each.code} {each.message} ({each.hint})" for each in found]


def test_a_rule_has_what_is_written_and_sensible_defaults() -> None:
    rule, found = compiled("{match: ['AKIA[0-9]+'], words: [Secret], action: mask, on: both, message: No.}")

    assert rule is not None
    assert found == []
    assert (rule.name, rule.action, rule.message, rule.replacement) == ("rule", GuardAction.MASK, "No.", "***")
    assert (rule.on_input, rule.on_output) == (True, True)
    assert [span.start for span in rule.find("AKIA1 secret")] == [0, 6]

    plain, _ = compiled("{words: [x]}")
    assert plain is not None
    assert (plain.action, plain.on_input, plain.on_output, plain.patterns) == (GuardAction.BLOCK, True, False, None)


def test_words_come_from_a_file_of_the_tree_too() -> None:
    rule, found = compiled("{words: [drei], words_file: policies/words/bad.txt, whole_words: false}")

    assert rule is not None
    assert found == []
    assert [span.start for span in rule.find("geheimes, ZWEI WORTE, dreißig")] == [0, 10, 22]


@pytest.mark.parametrize(
    ("guard", "expected"),
    [
        ("{action: mask}", "2:10 E302 a guard looks for patterns or for words (say match, words or words_file)"),
        (
            r"{match: [a, '(?=b)']}",
            (
                "2:22 E310 invalid perl operator: (?= "
                "(look-around and atomic groups are not supported: matching takes linear time)"
            ),
        ),
        ("{match: ['a*']}", "2:19 E310 matches the empty text (say what there must be at least: + instead of *)"),
        ("{words: [a, ' ']}", "2:22 E303 a word must not be empty (None)"),
        (r'{words: ["a\nb"]}', "2:19 E303 a word stands on one line (None)"),
        (f"{{words: [{'a' * 201}]}}", "2:19 E303 a word has at most 200 characters (None)"),
        (
            "{words_file: policies/words/bat.txt}",
            '2:23 E110 no file "policies/words/bat.txt" (did you mean "policies/words/bad.txt"?)',
        ),
        ("{words_file: ../bad.txt}", '2:23 E109 "../bad.txt" leaves the tree (None)'),
        ("{words_file: bad.txt}", '2:23 E303 lists of words are policies/words/….txt, not "bad.txt" (None)'),
        ("{words: []}", '2:18 E303 "words": must not be empty (None)'),
        ("{words: [a], replacement: ''}", '2:36 E303 "replacement": must not be empty, not "" (None)'),
        ("{words: [a], window: 4}", '2:31 E303 "window": input should be greater than or equal to 16, not 4 (None)'),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_where_it_is_written(guard: str, expected: str) -> None:
    assert compiled(guard) == (None, [expected])


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"# nothing\n\n", '2:23 E303 "policies/words/x.txt" has no words (None)'),
        (b"one\n\xff\n", "2:1 E108 not UTF-8 text (None)"),
        (b"one\n" + b"a" * 201, "2:1 E303 a word has at most 200 characters (None)"),
        (b"\n".join(b"%d" % n for n in range(MAX_WORDS + 1)), f"2:10 E105 more than {MAX_WORDS} words (None)"),
    ],
)
def test_a_list_is_checked_line_by_line(data: bytes, expected: str) -> None:
    assert compiled("{words_file: policies/words/x.txt}", {"policies/words/x.txt": data}) == (None, [expected])


def test_words_that_end_in_one_another_are_refused_where_they_are_too_many() -> None:
    words = ", ".join("a" * size for size in range(1, 18))

    assert compiled(f"{{words: [{words}]}}")[1] == [
        '2:10 E303 too many words are the end of "aaaaaaaaaaaaaaaaa" (list the shortest)'
    ]


def test_the_rules_of_the_documentation_do_what_it_says(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "guards.md").read_text(encoding="utf-8")
    block = page.split("```yaml tree\n")[1].split("```")[0]
    first, *rest = re.split(r"^# file: (\S+)\n", block, flags=re.MULTILINE)
    files = {"gateway.yaml": first, **dict(zip(rest[::2], rest[1::2], strict=True))}

    policies = compile_files(tmp_path, files).snapshot.policies

    card = next(rule.verb for rule in policies.rules if rule.name == "no-card-numbers")
    assert isinstance(card, GuardRule)
    assert card.find("4111 1111 1111 1111 it is") == [(0, 19)]

    finds = {
        text: [rule.name for rule in policies.rules if isinstance(rule.verb, GuardRule) and rule.verb.find(text)]
        for text in (
            "AKIAIOSFODNN7EXAMPLE",
            "use sk-proj-abcdefghijklmnopqrstuvwx",
            "-----BEGIN RSA PRIVATE KEY-----",
            "4111 1111 1111 1111, please",
            "Tell ada lovelace.",
            "project nightingales",
            "Stupid!",
            "Nothing to see in 2024.",
        )
    }
    assert list(finds.values()) == [
        ["no-keys-out"],
        ["no-keys-out"],
        ["no-keys-out"],
        ["no-card-numbers"],
        ["no-names-to-vendors"],
        [],
        ["watch-tone"],
        [],
    ]
