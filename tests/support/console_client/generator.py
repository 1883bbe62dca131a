"""Makes a typed client out of a schema and a file of operations: structs for what goes in and comes out, a method each.

python tests/support/console_client/generator.py     # writes operations.py beside this file
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, TypeVar, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    build_schema,
    is_required_input_field,
    parse,
    print_ast,
    type_from_ast,
    validate,
)

ROOT: Final = Path(__file__).parents[3]
SCHEMA: Final = ROOT / "schema.graphql"
OPERATIONS: Final = ROOT / "console" / "src" / "operations.graphql"
TARGET: Final = Path(__file__).with_name("operations.py")

T = TypeVar("T")

WIDTH: Final = 120

SCALARS: Final = {
    "Amount": "Decimal",
    "BigInt": "BigInt",
    "Boolean": "bool",
    "Date": "date",
    "DateTime": "datetime",
    "Duration": "timedelta",
    "Float": "float",
    "ID": "str",
    "Int": "int",
    "Secret": "str",
    "String": "str",
}

HEAD: Final = '''\
"""Generated from schema.graphql and console/src/operations.graphql by generator.py beside this file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
{imports}
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from support.console_client.transport import {carried}Document, Transport


class Part(Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of an answer."""


class Given(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """What is given with an operation: what is left out stays out, None is null."""
'''

METHODS: Final = '''\
class Api:
    """The operations, over any transport."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
'''


def generate(schema_text: str, operations_text: str) -> str:
    """Return the module.

    Raises:
        ValueError: the operations do not fit the schema, or need what is not made here (unions, aliases, directives).
    """
    schema, document = build_schema(schema_text), parse(operations_text, no_location=True)
    if errors := validate(schema, document):
        raise ValueError("\n".join(error.message for error in errors))
    return _Module(schema, document).text()


class _Module:
    """Classes by name, in the order in which they need each other."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self._schema = schema
        parts = document.definitions
        self._fragments = {part.name.value: part for part in parts if isinstance(part, FragmentDefinitionNode)}
        self._operations = [part for part in parts if isinstance(part, OperationDefinitionNode)]
        self._classes: dict[str, str] = {}

    def text(self) -> str:
        operations = [self._operation(operation) for operation in self._operations]
        documents, methods = [each for each, _ in operations], [each for _, each in operations]
        api = METHODS + "".join(f"\n{method}" for method in methods)
        text = "\n\n".join([*self._classes.values(), *documents, api])
        return f"{_head(text)}\n\n{text}"

    def _operation(self, operation: OperationDefinitionNode) -> tuple[str, str]:
        """Return the constant and the method."""
        if operation.name is None or len(operation.selection_set.selections) != 1:
            raise ValueError("each operation has a name and one field at its root")
        name = operation.name.value
        root = _found(self._schema.get_root_type(operation.operation))
        answer = self._part(f"{name}Answer", root, operation.selection_set)
        [field] = self._fields(root, operation.selection_set)
        constant = f"{_snake(name).upper()}_DOCUMENT"
        document = f'{constant} = Document(\n    {answer},\n    """\n{self._source(operation)}\n""",\n)\n'
        returned = self._annotation(_below(f"{name}Answer", field), root, field)
        return document, self._method(operation, constant, field.name.value, returned)

    def _method(self, operation: OperationDefinitionNode, constant: str, field: str, returned: str) -> str:
        name, given = _snake(_found(operation.name).value), list(self._variables(operation))
        variables = "{" + ", ".join(f'"{key}": {_argument(key)}' for _, key in given) + "}"
        is_subscription = operation.operation is OperationType.SUBSCRIPTION
        head = _signature(
            name, [each for each, _ in given], f"AsyncGenerator[{returned}]" if is_subscription else returned
        )
        if is_subscription:
            return f"{head}{_for_each(constant, variables)}            yield answer.{_snake(field)}\n"
        return f"{head}{_awaited(constant, variables)}        return answer.{_snake(field)}\n"

    def _variables(self, operation: OperationDefinitionNode) -> Iterator[tuple[str, str]]:
        """Yield arguments of the method with the names of their variables; what may be left out comes last."""
        given = sorted(operation.variable_definitions or (), key=lambda each: each.type.kind != "non_null_type")
        for each in given:
            name = each.variable.name.value
            yield self._given(_argument(name), _found(type_from_ast(self._schema, each.type))), name

    def _source(self, operation: OperationDefinitionNode) -> str:
        """Return the operation with the fragments it uses."""
        used = {name: self._fragments[name] for name in self._spreads(operation.selection_set)}
        return "\n\n".join(map(print_ast, (operation, *used.values())))

    def _spreads(self, selected: SelectionSetNode) -> Iterator[str]:
        for each in selected.selections:
            if isinstance(each, FragmentSpreadNode):
                yield each.name.value
                yield from self._spreads(self._fragments[each.name.value].selection_set)
            elif isinstance(each, FieldNode) and each.selection_set is not None:
                yield from self._spreads(each.selection_set)

    def _part(self, name: str, owner: GraphQLObjectType, selected: SelectionSetNode) -> str:
        """Make the class of a selection, and of what is selected in it; return its name."""
        if (fragment := self._only_fragment(selected)) is not None:
            return self._part(fragment.name.value, owner, fragment.selection_set)
        fields = {_snake(field.name.value): field for field in self._fields(owner, selected)}
        lines = [f"    {key}: {self._annotation(_below(name, field), owner, field)}\n" for key, field in fields.items()]
        self._keep(name, f"class {name}(Part, frozen=True, kw_only=True):\n{''.join(lines)}")
        return name

    def _only_fragment(self, selected: SelectionSetNode) -> FragmentDefinitionNode | None:
        match selected.selections:
            case [FragmentSpreadNode() as spread]:
                return self._fragments[spread.name.value]
            case _:
                return None

    def _fields(self, owner: GraphQLObjectType, selected: SelectionSetNode) -> list[FieldNode]:
        """Return the fields, those of fragments included."""
        found: list[FieldNode] = []
        for each in selected.selections:
            if isinstance(each, FragmentSpreadNode):
                found.extend(self._fields(owner, self._fragments[each.name.value].selection_set))
            elif isinstance(each, FieldNode) and each.alias is None and not each.directives:
                found.append(each)
            else:
                raise ValueError(f"{owner.name}: only plain fields and fragments are known here")
        return found

    def _annotation(self, name: str, owner: GraphQLObjectType, field: FieldNode) -> str:
        type_ = owner.fields[field.name.value].type
        return self._output(name, type_, field.selection_set)

    def _output(self, name: str, type_: GraphQLOutputType, selected: SelectionSetNode | None) -> str:
        if isinstance(type_, GraphQLNonNull):
            return self._output_found(name, cast("GraphQLOutputType", type_.of_type), selected)
        return f"{self._output_found(name, type_, selected)} | None"

    def _output_found(self, name: str, type_: GraphQLOutputType, selected: SelectionSetNode | None) -> str:
        if isinstance(type_, GraphQLList):
            return f"tuple[{self._output(name, cast('GraphQLOutputType', type_.of_type), selected)}, ...]"
        if isinstance(type_, GraphQLObjectType) and selected is not None:
            return self._part(name, type_, selected)
        if isinstance(type_, GraphQLInterfaceType):
            raise ValueError(f"{name}: only objects are known here")  # noqa: TRY004  (it is the operations that are wrong)
        return self._leaf(type_)

    def _leaf(self, type_: GraphQLType) -> str:
        if isinstance(type_, GraphQLScalarType):
            return SCALARS[type_.name]
        if not isinstance(type_, GraphQLEnumType):
            raise ValueError(f"{type_}: only objects, scalars and enums are known here")  # noqa: TRY004
        values = "".join(f'    {name} = "{name}"\n' for name in type_.values)
        self._keep(type_.name, f"class {type_.name}(StrEnum):\n{values}")
        return type_.name

    def _given(self, name: str, type_: GraphQLType, *, is_optional: bool = False) -> str:
        """Return a declaration of what is given: optional when it may be left out."""
        annotation = self._input(type_)
        if isinstance(type_, GraphQLNonNull) and not is_optional:
            return f"{name}: {annotation}"
        nullable = annotation.endswith(" | None")
        return f"{name}: {annotation.removesuffix(' | None')} | UnsetType{' | None' if nullable else ''} = UNSET"

    def _input(self, type_: GraphQLType) -> str:
        if isinstance(type_, GraphQLNonNull):
            return self._input_found(cast("GraphQLType", type_.of_type))
        return f"{self._input_found(type_)} | None"

    def _input_found(self, type_: GraphQLType) -> str:
        if isinstance(type_, GraphQLList):
            return f"tuple[{self._input(cast('GraphQLType', type_.of_type))}, ...]"
        if not isinstance(type_, GraphQLInputObjectType):
            return self._leaf(type_)
        if type_.name not in self._classes:
            lines = [f"    {line}\n" for line in self._input_fields(type_.fields.items())]
            self._keep(type_.name, f"class {type_.name}(Given, frozen=True, kw_only=True):\n{''.join(lines)}")
        return type_.name

    def _input_fields(self, fields: Iterable[tuple[str, GraphQLInputField]]) -> Iterator[str]:
        for name, field in fields:
            yield self._given(_snake(name), field.type, is_optional=not is_required_input_field(field))

    def _keep(self, name: str, text: str) -> None:
        if self._classes.setdefault(name, text) != text:
            raise ValueError(f"two classes would be called {name}")


def _head(text: str) -> str:
    """Return the head of a module: the imports it needs."""
    used = set(re.findall(r"\w+", text))
    instants = sorted(used & {"date", "datetime", "timedelta"})
    lines = [*([f"from datetime import {', '.join(instants)}"] if instants else []), "from decimal import Decimal"]
    return HEAD.format(imports="\n".join(lines), carried="BigInt, " if "BigInt" in used else "")


def _below(name: str, field: FieldNode) -> str:
    """Return the name of the class of a field of a class."""
    above, own = name.removesuffix("Answer").removesuffix("Result"), _pascal(field.name.value)
    return f"{above}Result" if name.endswith("Answer") else f"{above}{own}"


def _signature(name: str, arguments: list[str], returned: str) -> str:
    line = f"    async def {name}({', '.join(['self', *arguments])}) -> {returned}:\n"
    if len(line) <= WIDTH + 1:
        return line
    broken = f"        {', '.join(['self', *arguments])}\n"
    return f"    async def {name}(\n{broken}    ) -> {returned}:\n"


def _awaited(constant: str, variables: str) -> str:
    return _call("        answer = await self.transport.execute(", f"{constant}, {variables}", ")")


def _for_each(constant: str, variables: str) -> str:
    return _call("        async for answer in self.transport.follow(", f"{constant}, {variables}", "):")


def _call(before: str, arguments: str, after: str) -> str:
    line = f"{before}{arguments}{after}\n"
    return line if len(line) <= WIDTH + 1 else f"{before}\n            {arguments}\n        {after}\n"


def _found(value: T | None) -> T:
    if value is None:
        raise ValueError("the operations and the schema were validated")
    return value


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _pascal(name: str) -> str:
    return name[:1].upper() + name[1:]


def _argument(name: str) -> str:
    """Return the name of a variable as an argument that shadows nothing."""
    snake = _snake(name)
    return f"{snake}_" if keyword.iskeyword(snake) or hasattr(builtins, snake) else snake


if __name__ == "__main__":
    TARGET.write_text(generate(SCHEMA.read_text(), OPERATIONS.read_text()))
