"""The verb ``rewrite``: paths, templates, patterns and headers, checked and compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from clinx.config.conditions import POLICY_NAMES, ConditionError
from clinx.config.diagnostics import Diagnostic
from clinx.config.nodes import Mark, Node
from clinx.config.patterns import Substitution, compile_substitution
from clinx.config.policy_schema import HeadersShape, ReplaceShape, RewriteShape
from clinx.config.secrets import begins_like_a_key
from clinx.config.templates import Value, compile_template, compile_value
from clinx.policies.edits import Add, Delete, Edit, Replace, SetTo, Transfer, Trim
from clinx.policies.headers import is_protected
from clinx.policies.path import Path, parse_path
from clinx.policies.regex import PatternError
from clinx.policies.rule import HeaderEdits, Rewrite

_NAMED_APART: Final = {
    "model": "the model has a key of its own: rewrite: {model: …}",
    "stream": "whether a stream is asked for is the caller's to say: its client waits for one, or does not",
}


class RewriteCompiler:
    """Compiles one rewrite; what is wrong with it goes to ``found``."""

    def __init__(self, node: Node, found: list[Diagnostic]) -> None:
        """Take where it stands."""
        self._node = node
        self._found = found

    def compile(self, shape: RewriteShape) -> Rewrite:
        """Return the changes, in the order of the shape's keys."""
        if shape.model_dump(exclude_defaults=True) == {}:
            self._found.append(self._node.mark.finding("E302", "rewrite changes nothing"))
        return Rewrite(
            model=None if shape.model is None else self._template(shape.model, self._node.at(("model",))),
            edits=tuple(self._edits(shape)),
            headers=None if shape.headers is None else self._headers(shape.headers),
            thinking_to_content=shape.thinking_to_content,
        )

    def _edits(self, shape: RewriteShape) -> Iterator[Edit]:
        yield from self._transfers("copy", shape.copy_, moves=False)
        yield from self._transfers("move", shape.move, moves=True)
        for index, text in enumerate(shape.delete):
            if (path := self._path(text, self._node.at(("delete", index)))) is not None:
                yield Delete(path)
        for path, value in self._values("default"):
            yield SetTo(path, value, if_absent=True)
        for path, value in self._values("set"):
            yield SetTo(path, value)
        yield from self._texts(shape)
        for path, value in self._values("prepend"):
            yield Add(path, value, front=True)
        for path, value in self._values("append"):
            yield Add(path, value, front=False)

    def _texts(self, shape: RewriteShape) -> Iterator[Edit]:
        for text, replaced in shape.replace.items():
            path = self._path(text, self._node.key_at(("replace", text)))
            substitute = self._substitution(replaced, self._node.at(("replace", text)))
            if path is not None and substitute is not None:
                yield Replace(path, substitute)
        for text, trim in shape.trim.items():
            if (path := self._path(text, self._node.key_at(("trim", text)))) is not None:
                yield Trim(path, trim.prefix, trim.suffix, trim.space)

    def _transfers(self, key: str, pairs: Mapping[str, str], *, moves: bool) -> Iterator[Transfer]:
        for source, target in pairs.items():
            here = self._path(source, self._node.key_at((key, source)))
            there = self._path(target, self._node.at((key, source)))
            if here is not None and there is not None:
                yield Transfer(here, there, moves)

    def _values(self, key: str) -> Iterator[tuple[Path, Value]]:
        node = self._node.map.get(key)
        for text, child in (node.map if node is not None else {}).items():
            path = self._path(text, self._node.key_at((key, text)))
            value = compile_value(child, POLICY_NAMES, self._reject)
            self._refuse_secrets(child)
            if path is not None:
                yield path, value

    def _path(self, text: str, mark: Mark) -> Path | None:
        try:
            path = parse_path(text)
        except ValueError as error:
            self._found.append(mark.finding("E303", f'"{text[:60]}": {error}'))
            return None
        if path.top in _NAMED_APART and len(path.steps) == 1:
            self._found.append(mark.finding("E303", _NAMED_APART[path.top]))
            return None
        return path

    def _substitution(self, shape: ReplaceShape, mark: Mark) -> Substitution | None:
        try:
            return compile_substitution(shape.match, shape.text)
        except PatternError as error:
            self._found.append(mark.finding("E303", str(error), error.hint))
            return None

    def _headers(self, shape: HeadersShape) -> HeaderEdits:
        named = (
            *(((("set", name)), name) for name in shape.set),
            *((("delete", index), name) for index, name in enumerate(shape.delete)),
            *((("copy", source), name) for source, target in shape.copy_.items() for name in (source, target)),
            *((("pass", index), name) for index, name in enumerate(shape.pass_)),
        )
        for path, name in named:
            if is_protected(name):
                mark = self._node.at(("headers", *path))
                said = f'header "{name}" belongs to the connection or may hold a credential'
                self._found.append(mark.finding("E303", said, "rules neither read nor write it"))
        return HeaderEdits(
            set=tuple((name, self._header(name, text)) for name, text in shape.set.items()),
            delete=tuple(shape.delete),
            copy=tuple(shape.copy_.items()),
            passed=tuple(shape.pass_),
        )

    def _header(self, name: str, text: str) -> Value:
        node = self._node.map["headers"].map["set"].map[name]
        self._refuse_secrets(node)
        return self._template(text, node.mark)

    def _template(self, text: str, mark: Mark) -> Value:
        try:
            return compile_template(text, POLICY_NAMES)
        except ConditionError as error:
            self._found.append(mark.finding("E306", str(error), error.hint))
            return Value(text, lambda _: None)

    def _reject(self, node: Node, error: ConditionError) -> None:
        self._found.append(node.mark.finding("E306", str(error), error.hint))

    def _refuse_secrets(self, node: Node) -> None:
        """Refuse keys: a rule is shown as it is written, to whoever may see a revision."""
        for child in (*node.map.values(), *node.items):
            self._refuse_secrets(child)
        if isinstance(node.value, str) and begins_like_a_key(node.value):
            self._found.append(node.mark.finding("E401", "this looks like a secret", "secrets belong to channels"))
