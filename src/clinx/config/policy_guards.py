"""The verb ``guard``: patterns checked one by one, words gathered from the rule and from files of the tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Final

from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Mark, Node
from clinx.config.policy_schema import GuardShape, RuleShape
from clinx.config.tree import WORD_FOLDER
from clinx.policies.guard import GuardAction, GuardRule
from clinx.policies.guard_patterns import Patterns, check
from clinx.policies.guard_words import WordList, nested
from clinx.policies.regex import PatternError

MAX_WORD: Final = 200
MAX_WORDS: Final = 100_000


def compile_guard(
    shape: RuleShape, node: Node, files: Mapping[str, bytes], found: list[Diagnostic]
) -> GuardRule | None:
    """Compile the guard of a rule; None when something is wrong with it, which is then in ``found``.

    Args:
        shape: the rule.
        node: what stands behind ``guard``.
        files: the files of the tree, by their paths.
        found: takes what is wrong.
    """
    guard = shape.guard
    if guard is None:
        return None
    before = len(found)
    if guard.match is None and guard.words is None and guard.words_file is None:
        hint = "say match, words or words_file"
        found.append(node.mark.finding("E302", "a guard looks for patterns or for words", hint))
    patterns = _patterns(guard, node, found)
    words = dict.fromkeys((*_listed(guard, node, found), *_filed(guard, node, files, found)))
    if len(words) > MAX_WORDS:
        found.append(node.mark.finding("E105", f"more than {MAX_WORDS} words"))
    if (word := nested(words)) is not None:
        found.append(node.mark.finding("E303", f'too many words are the end of "{word[:40]}"', "list the shortest"))
    if len(found) > before:
        return None
    return GuardRule(
        name=shape.name,
        action=GuardAction(guard.action),
        patterns=patterns,
        words=WordList(words, whole=guard.whole_words) if words else None,
        on_input=guard.on != "output",
        on_output=guard.on != "input",
        replacement=guard.replacement,
        message=guard.message,
    )


def _patterns(guard: GuardShape, node: Node, found: list[Diagnostic]) -> Patterns | None:
    before = len(found)
    for place, source in enumerate(guard.match or ()):
        try:
            check(source)
        except PatternError as error:
            found.append(node.at(("match", place)).finding("E310", str(error), error.hint))
    if not guard.match or len(found) > before:
        return None
    try:
        return Patterns(guard.match, window=guard.window)
    except PatternError as error:
        found.append(node.at(("match",)).finding("E310", str(error), error.hint))
        return None


def _listed(guard: GuardShape, node: Node, found: list[Diagnostic]) -> Iterator[str]:
    """Yield the words that the rule itself lists."""
    for place, text in enumerate(guard.words or ()):
        yield from _word(text, node.at(("words", place)), found)


def _filed(guard: GuardShape, node: Node, files: Mapping[str, bytes], found: list[Diagnostic]) -> Iterator[str]:
    """Yield the words of the file that the rule names; empty lines and those that begin with # are none."""
    if guard.words_file is None:
        return
    mark = node.at(("words_file",))
    data = _file(guard.words_file, mark, files, found)
    if data is None:
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        found.append(Mark(guard.words_file, line).finding("E108", "not UTF-8 text"))
        return
    any_word = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            any_word = True
            yield from _word(line, Mark(guard.words_file, number), found)
    if not any_word:
        found.append(mark.finding("E303", f'"{guard.words_file}" has no words'))


def _file(name: str, mark: Mark, files: Mapping[str, bytes], found: list[Diagnostic]) -> bytes | None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        found.append(mark.finding("E109", f'"{name}" leaves the tree'))
    elif path.parent.as_posix() != WORD_FOLDER or path.suffix != ".txt":
        found.append(mark.finding("E303", f'lists of words are {WORD_FOLDER}/….txt, not "{name}"'))
    elif name not in files:
        lists = [each for each in files if each.startswith(f"{WORD_FOLDER}/")]
        found.append(mark.finding("E110", f'no file "{name}"', did_you_mean(name, lists)))
    return files.get(name)


def _word(text: str, mark: Mark, found: list[Diagnostic]) -> Iterator[str]:
    word = text.strip()
    if not word:
        found.append(mark.finding("E303", "a word must not be empty"))
    elif len(word) > MAX_WORD:
        found.append(mark.finding("E303", f"a word has at most {MAX_WORD} characters"))
    elif len(word.splitlines()) > 1:
        found.append(mark.finding("E303", "a word stands on one line"))
    else:
        yield word
