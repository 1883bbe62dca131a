"""What a request loses on its way to another dialect, where that is the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clinx.canonical.content import Part, ToolResult, Unknown
from clinx.canonical.request import ChatRequest, Extras
from clinx.dialects.base import Loss, Severity

UNCITED: Final = "The caller's format has no room for a source of this kind."


def severe(path: str, detail: str) -> Loss:
    """Return the loss of something the answer is wrong without."""
    return Loss(path, Severity.SEVERE, detail)


def harmless(path: str, detail: str) -> Loss:
    """Return the loss of something the answer is right without."""
    return Loss(path, Severity.HARMLESS, detail)


def foreign_losses(request: ChatRequest, dialect: str) -> Iterator[Loss]:
    """Tell what a dialect loses of a request because only another one understands it.

    That is the extras of other dialects, and unknown parts and tools of theirs, wherever they stand. Encoders of the
    dialect skip these and add the losses.
    """
    yield from extra_losses(request.extras, dialect)
    for place, part in enumerate(request.system):
        yield from _parts(part, f"system[{place}]", dialect)
    for number, turn in enumerate(request.turns):
        for place, part in enumerate(turn.parts):
            yield from _parts(part, f"messages[{number}].content[{place}]", dialect)
    for place, tool in enumerate(request.tools):
        if isinstance(tool, Unknown) and tool.dialect != dialect:
            yield severe(f"tools[{place}]", "This tool is not available at the model's upstream.")


def extra_losses(extras: Extras, dialect: str) -> Iterator[Loss]:
    """Tell which parameters a dialect loses because they are another one's."""
    for origin, members in extras.items():
        if origin == dialect:
            continue
        for name, extra in members.items():
            loss = severe if extra.is_essential else harmless
            yield loss(name, "This parameter means nothing to the model's upstream.")


def _parts(part: Part, path: str, dialect: str) -> Iterator[Loss]:
    if isinstance(part, Unknown) and part.dialect != dialect:
        yield severe(path, "This content is not understood by the model's upstream.")
    elif isinstance(part, ToolResult):
        for place, inner in enumerate(part.parts):
            yield from _parts(inner, f"{path}.content[{place}]", dialect)
