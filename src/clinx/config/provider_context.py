"""What the parts of a provider share while it is compiled: where they stand, and texts with holes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from clinx.config.diagnostics import Diagnostic, did_you_mean
from clinx.config.nodes import Mark, Node
from clinx.config.places import MANAGED_HEADERS, template_problem
from clinx.config.provider_schema import ProviderShape
from clinx.domain.template import Template


@dataclass(slots=True)
class ProviderContext:
    """One provider being compiled."""

    node: Node
    shape: ProviderShape
    dialects: Collection[str]
    found: list[Diagnostic]
    is_rest: bool = False
    """Something was left out, and so perhaps a setting."""

    @property
    def settings(self) -> frozenset[str]:
        """The holes that its settings fill."""
        return frozenset(f"settings.{name}" for name in self.shape.settings)

    def mark(self, *path: str | int) -> Mark:
        """Return where something of it stands."""
        return self.node.at(path)


def headers_of(
    context: ProviderContext, path: tuple[str, ...], headers: Mapping[str, str], holes: frozenset[str]
) -> Iterator[tuple[str, Template]]:
    """Yield the headers at a place, and report those that no tree may set."""
    for name in headers:
        if name.lower() in MANAGED_HEADERS:
            mark = context.node.key_at((*path, name))
            context.found.append(mark.finding("E303", f'header "{name}" belongs to the connection'))
    yield from templates(context, path, headers, holes)


def templates(
    context: ProviderContext, path: tuple[str, ...], texts: Mapping[str, str], holes: frozenset[str]
) -> Iterator[tuple[str, Template]]:
    """Yield the templates at a place; what is wrong with one is reported, and an empty one stands in for it."""
    known = holes | context.settings
    for name, text in texts.items():
        problem = template_problem(text, known)
        if problem is None:
            yield name, Template.parse(text)
            continue
        yield name, Template(("",))
        code, unknown = problem
        mark = context.mark(*path, name)
        if unknown is None:
            context.found.append(mark.finding(code, f'"{name}" is not a template', "a hole is {{ name }}"))
        elif not (context.is_rest and unknown.startswith("settings.")):
            hint = did_you_mean(unknown, known) or f"known here: {', '.join(sorted(known)) or 'nothing'}"
            context.found.append(mark.finding(code, f'unknown name "{unknown}" in a template', hint))
