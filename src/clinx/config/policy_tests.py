"""The shape of policies/tests/*.yaml: requests that might come, and what shall become of them.

Only read here. They are run by whoever can rehearse a request (`clinx.relay.trials`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, RootModel, StringConstraints, WithJsonSchema

from clinx.config.diagnostics import Diagnostic
from clinx.config.document import DocumentReader
from clinx.config.nodes import Mark, Node
from clinx.config.quantities import AmountText, Per
from clinx.config.schema import HeaderName, MemberName, ModelName, Name, Shape, UnitRates
from clinx.config.shape import read_shape
from clinx.config.tree import TESTS, Tree
from clinx.domain.usage import Unit


def _instant(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("expected an instant such as 2026-01-31T09:30+01:00")  # noqa: TRY004  (a finding, not a defect)
    try:
        read = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("expected an instant such as 2026-01-31T09:30+01:00") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""An instant; in UTC when it names no zone."""
Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class GivenUser(Shape):
    """Who calls."""

    id: int = 0
    """As rules see it."""
    name: Word = "nobody"
    """As rules see it."""
    group: Name = "default"
    """Whose routes and prices apply."""
    role: Annotated[str, StringConstraints(pattern="^(user|admin|root)$")] = "user"
    """What the user may do in a console."""


class GivenToken(Shape):
    """With which token."""

    id: int = 0
    """As rules see it."""
    name: Word = "none"
    """As rules see it."""
    group: Name | None = None
    """Instead of the user's."""
    models: list[ModelName] = Field(default_factory=list[ModelName])
    """What it is restricted to."""
    tags: dict[str, str] = Field(default_factory=dict[str, str])
    """As rules see them."""


class GivenShape(Shape):
    """A request that might come. What a test does not say is of no importance to it."""

    model: Annotated[str, StringConstraints(min_length=1)]
    """As the caller asks for it."""
    user: GivenUser = GivenUser()
    """Who calls; somebody of the group `default` when absent."""
    token: GivenToken = GivenToken()
    """With which token."""
    group: Name | None = None
    """Short for the user's group."""
    operation: str = "chat"
    """chat, complete, embed, …"""
    dialect: str | None = None
    """The wire format the caller speaks; the first that has the operation when absent."""
    stream: bool = False
    """Whether a stream is asked for."""
    body: dict[str, Any] = Field(default_factory=dict[str, Any])
    """As much of the body as matters."""
    header: dict[HeaderName, str] = Field(default_factory=dict[str, str])
    """The caller's headers."""
    address: str | None = None
    """Where the call comes from."""
    now: Instant | None = None
    """When; noon of the first of January 2026 (a Thursday) in UTC when absent."""


class ExpectedPrice(UnitRates):
    """Amounts of the row of the price that applies, as the tree writes them."""

    per: Per | None = None
    """For how many; as the tree's own when absent."""

    def amounts(self) -> Iterator[tuple[Unit, Any]]:
        """Yield the units that are named, with their amounts."""
        named = ((unit, getattr(self, unit.value)) for unit in Unit)
        yield from ((unit, amount) for unit, amount in named if amount is not None)


class ExpectShape(Shape):
    """What shall become of it. Only what is written is compared."""

    model: Word | None = None
    """What is served and priced."""
    body: dict[MemberName, Any] = Field(default_factory=dict[str, Any])
    """Members of the body that goes on; inside maps too, only what is written counts. `~` says that there is none."""
    headers: dict[HeaderName, str | None] = Field(default_factory=dict[str, str | None])
    """What rules add for the upstream; `~` says that they take it out, or say nothing of it."""
    channels: list[Name] | None = None
    """The candidates, best first; equals stand in the order of the tree."""
    group: Name | None = None
    """The group through which the first candidate is reached."""
    price: ExpectedPrice | None = None
    """The row of the price that applies."""
    factor: AmountText | None = None
    """What rules multiply the price by."""
    refused: Word | None = None
    """The code of the error that the caller gets."""
    rules: list[Word] | None = None
    """Every rule that matches, in order."""
    limits: list[Word] | None = None
    """The rules among them with the verbs `limit` and `budget`."""
    attempts: int | None = None
    """Most attempts, as a rule says."""
    thinking_to_content: bool | None = None
    """Whether a rule has thoughts told as content."""


class PolicyTestShape(Shape):
    """A test: given this, expect that."""

    name: Word | None = None
    """For people."""
    given: GivenShape
    """A request that might come."""
    expect: ExpectShape
    """What shall become of it."""


class PolicyTestsShape(RootModel[list[PolicyTestShape]]):
    """Tests of the rules, routes and prices of a Clinx configuration tree: policies/tests/*.yaml."""


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One test and where it is written."""

    shape: PolicyTestShape
    node: Node

    @property
    def mark(self) -> Mark:
        """Where it begins."""
        return self.node.mark

    @property
    def title(self) -> str:
        """How it is called where results are listed."""
        return self.shape.name or f"{self.mark.file}:{self.mark.line}"


def read_tests(tree: Tree, reader: DocumentReader, found: list[Diagnostic]) -> list[PolicyTest]:
    """Return the tests of a tree, by file name and position; what cannot be read is reported."""
    tests: list[PolicyTest] = []
    for name in sorted(name for name in tree.files if name.startswith(f"{TESTS}/")):
        document = reader.read(name, tree.files[name])
        found.extend(document.diagnostics)
        if document.root is not None:
            tests.extend(_tests(document.root, found))
    return tests


def _tests(root: Node, found: list[Diagnostic]) -> Iterator[PolicyTest]:
    if not isinstance(root.value, list):
        if root.map:
            found.append(root.mark.finding("E303", "expected a list of tests", "begin each with `- given:`"))
        return
    for node in root.items:
        shape = read_shape(node, PolicyTestShape, found)
        if shape is not None:
            yield PolicyTest(shape, node)
