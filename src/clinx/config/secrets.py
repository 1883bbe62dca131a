"""References to secrets: ``${env:NAME}`` and ``${file:PATH}``. The tree itself never holds one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024
PLACEHOLDER: Final = "placeholder"
"""What an unresolved reference becomes in an offline check."""

HINT: Final = "write ${env:NAME} or ${file:PATH}"
"""What to do about a literal secret or a broken reference."""

_REFERENCE: Final = re.compile(r"\$\{([a-z]*):([^{}]*)\}")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KNOWN_PREFIX: Final = re.compile(r"(?:sk-|sk_|pk-|rk_|AIza|AKIA|ASIA|ghp_|gsk_|xai-|hf_|eyJ)[A-Za-z0-9_\-.]{8,}")
_MEANT: Final = re.compile(
    r"(?:\w+ )?(?:\$([A-Z_][A-Z0-9_]{0,63})|\$?\{([A-Z_][A-Z0-9_]{0,63})\}|(?:os\.environ/|env:)([A-Za-z_]\w{0,63}))"
)
"""How other programs write a variable. After a $ in capitals only: a key may begin with one, and hints are printed."""
_LONG_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_\-.]{20,}")


class SecretError(ValueError):
    """A reference that cannot be resolved; ``code`` is the diagnostic's."""

    def __init__(self, code: str, message: str, hint: str | None = None) -> None:
        """Keep what the diagnostic needs."""
        super().__init__(message)
        self.code = code
        self.hint = hint


def has_reference(text: str) -> bool:
    """Whether the text means to refer to a secret."""
    return "${" in text


def is_literal(text: str) -> bool:
    """Whether a place for a secret holds one itself: no reference at all, or next to one what looks like a key."""
    return not has_reference(text) or looks_secret(beside_references(text))


def beside_references(text: str) -> str:
    """Return what the tree itself says of a text; empty when a reference in it is broken, which is another finding."""
    literal = _REFERENCE.sub("", text)
    return "" if has_reference(literal) else literal


def reference_hint(text: str) -> str:
    """Say how to write what another program's notation (``$NAME``, ``os.environ/NAME``) means."""
    found = _MEANT.fullmatch(text.strip())
    name = next(filter(None, found.groups()), None) if found is not None else None
    return f"write ${{env:{name}}}" if name is not None else HINT


def begins_like_a_key(text: str) -> bool:
    """Whether a literal holds what begins as the keys of some vendor do."""
    return _KNOWN_PREFIX.search(text) is not None


def looks_secret(text: str) -> bool:
    """Whether a literal is probably a credential: a vendor's prefix, or a long run of mixed letters and digits."""
    if begins_like_a_key(text):
        return True
    long = _LONG_TOKEN.search(text)
    return long is not None and any(c.isdigit() for c in long[0]) and any(c.isalpha() for c in long[0])


@dataclass(slots=True)
class SecretResolver:
    """Resolves the references of one compilation and remembers which files they named."""

    environ: Mapping[str, str] = field(repr=False)
    root: Path
    prefixes: tuple[str, ...]
    """Environment variables that may be read; ``*`` allows all."""
    placeholders: bool = False
    """Put a placeholder where a reference leads nowhere: a check without the production secrets."""
    blind: bool = False
    """Put a placeholder everywhere, and read neither variables nor files: for trees that anybody may have written."""
    files: dict[Path, str] = field(default_factory=dict[Path, str])
    """Files that were referred to and what `fingerprint` said of them, so that a rotation is noticed."""

    def resolve(self, text: str) -> str:
        """Replace every reference in the text.

        Raises:
            SecretError: malformed (E404), not allowed (E402), or leading nowhere (E403).
        """
        literal = _REFERENCE.sub("", text)
        if "${" in literal:
            raise SecretError("E404", "broken reference", reference_hint(text))
        return _REFERENCE.sub(lambda found: self._one(found[1], found[2]), text)

    def _one(self, kind: str, name: str) -> str:
        if kind == "env":
            return self._variable(name)
        if kind == "file":
            return self._file(name)
        raise SecretError("E404", f'unknown kind of reference "{kind}"', HINT)

    def _variable(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise SecretError("E404", f'"{name}" is not the name of a variable')
        if "*" not in self.prefixes and not name.startswith(self.prefixes):
            allowed = ", ".join(self.prefixes)
            raise SecretError("E402", f"variable {name} may not be read", f"allowed prefixes: {allowed}")
        if self.blind:
            return PLACEHOLDER
        value = self.environ.get(name, "")
        if not value:
            raise SecretError("E403", f"variable {name} is not set")
        return _one_line(value, f"variable {name}")

    def _file(self, name: str) -> str:
        path = self._path(name)
        if self.blind:
            return PLACEHOLDER
        data = _read(path)
        self.files[path] = _digest(data)
        if data is None:
            raise SecretError("E403", f"file {name} is missing or cannot be read")
        if len(data) > MAX_BYTES:
            raise SecretError("E403", f"file {name} is larger than {MAX_BYTES} bytes")
        try:
            text = data.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise SecretError("E403", f"file {name} is not UTF-8 text") from None
        if not text:
            raise SecretError("E403", f"file {name} is empty")
        return _one_line(text, f"file {name}")

    def _path(self, name: str) -> Path:
        if "\0" in name or not name:
            raise SecretError("E404", "not a path")
        if name.startswith("/"):
            return Path(name)
        root = self.root.resolve()
        path = root / name
        if ".." in Path(name).parts or not path.resolve().is_relative_to(root):
            raise SecretError("E402", f"file {name} is outside the tree", "name it by an absolute path")
        return path


def _one_line(value: str, source: str) -> str:
    if not value.isprintable():
        raise SecretError("E403", f"{source} holds more than one line of text")
    return value


def fingerprint(path: Path) -> str:
    """Return what changes when the file does; empty when it is missing or cannot be read."""
    return _digest(_read(path))


def _read(path: Path) -> bytes | None:
    try:
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError:
        return None


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
