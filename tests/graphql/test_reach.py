from typing import Any

from graphql import (
    GraphQLField,
    GraphQLID,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLString,
)

from clinx.graphql.errors import InPerson
from clinx.graphql.permissions import ANYONE, OWNER, SESSION, SIGNED_IN, Permission, Rule, needs, own
from clinx.graphql.reach import loosen
from clinx.graphql.schema import LOOSENED, schema
from support.operations import Api, counted

__all__ = ["counted"]

READ, PAY = needs(Permission.USER_READ), needs(Permission.COST_READ)


def loosened(ways: dict[str, Rule], fields: dict[str, Rule]) -> list[str]:
    """Make nullable what must be, of an object with fields that several ways of the query lead to."""
    text = GraphQLNonNull(GraphQLString)
    thing = GraphQLObjectType("Thing", {name: GraphQLField(text) for name in fields})
    query = GraphQLObjectType("Query", {name: GraphQLField(GraphQLNonNull(thing)) for name in ways})
    named = {"Query": ways, "Thing": fields}
    core = GraphQLSchema(query)
    found = loosen(core, {f"{type_}.{name}": rule for type_, of in named.items() for name, rule in of.items()})
    assert [f"Thing.{name}" for name, each in thing.fields.items() if each.type is GraphQLString] == found
    return found


def test_what_is_stricter_than_the_way_to_it_may_be_null() -> None:
    fields = {"a": ANYONE, "b": READ, "c": SESSION, "d": OWNER, "e": own(Permission.USER_READ), "f": SIGNED_IN}

    assert loosened({"one": ANYONE}, fields) == ["Thing.b", "Thing.c"]


def test_what_every_way_takes_already_is_never_null() -> None:
    assert loosened({"one": READ, "two": READ}, {"a": ANYONE, "b": READ}) == []
    assert loosened({"one": READ, "two": PAY}, {"a": ANYONE, "b": READ, "c": PAY}) == ["Thing.b", "Thing.c"]
    assert loosened({"one": SESSION}, {"a": ANYONE, "b": SESSION}) == []


def test_to_be_an_owner_or_an_operator_says_nothing_certain() -> None:
    assert loosened({"one": own(Permission.USER_READ)}, {"a": ANYONE, "b": READ}) == ["Thing.b"]


def test_of_an_object_that_is_refused_as_a_whole_the_way_to_it_may_be_null() -> None:
    text = GraphQLNonNull(GraphQLString)
    node = GraphQLInterfaceType("Node", {"id": GraphQLField(GraphQLNonNull(GraphQLID))})
    closed = GraphQLObjectType(
        "Closed", {"id": GraphQLField(GraphQLNonNull(GraphQLID)), "a": GraphQLField(text)}, interfaces=[node]
    )
    many: Any = GraphQLNonNull(GraphQLList(GraphQLNonNull(closed)))
    around = GraphQLObjectType("Around", {"a": GraphQLField(text), "closed": GraphQLField(many)})
    core = GraphQLSchema(GraphQLObjectType("Query", {"around": GraphQLField(GraphQLNonNull(around))}))
    rules = {
        "Query.around": ANYONE,
        "Around.a": ANYONE,
        "Around.closed": ANYONE,
        "Closed.id": READ,
        "Closed.a": READ,
    }

    assert loosen(core, rules) == ["Around.closed"]
    assert str(around.fields["closed"].type) == "[Closed!]"
    assert str(closed.fields["a"].type) == "String!"


def test_what_an_interface_promises_stays_promised() -> None:
    node = GraphQLInterfaceType("Node", {"id": GraphQLField(GraphQLNonNull(GraphQLID))})
    fields = {"id": GraphQLField(GraphQLNonNull(GraphQLID)), "a": GraphQLField(GraphQLString)}
    thing = GraphQLObjectType("Thing", fields, interfaces=[node])
    core = GraphQLSchema(GraphQLObjectType("Query", {"thing": GraphQLField(thing)}))

    assert loosen(core, {"Query.thing": ANYONE, "Thing.id": READ, "Thing.a": ANYONE}) == []


def test_of_the_console_only_a_few_fields_are_for_some_alone() -> None:
    """A frontend has to look for null there. What joins them is to be meant."""
    assert [name.partition(".")[0] for name in LOOSENED] == [
        *("Group", "Order", "RequestLog", "RequestLog"),
        *("UsageColumns", "UsageColumns", "UsageColumns", "UsageFigures"),
        *("Viewer", "Viewer", "Viewer", "Viewer", "Viewer"),
    ]


async def test_a_refusal_takes_only_its_own_field_away_and_resolves_nothing_of_it(api: Api, counted: list[str]) -> None:
    ann = await api.user("ann")
    program = api.by_key(ann, Permission.SELF_READ)
    counted.clear()

    result = await schema.execute("{ viewer { user { name } sessions { id } accessKeys { id } } }", None, program)

    assert result.data == {"viewer": {"user": {"name": "ann"}, "sessions": None, "accessKeys": None}}
    assert [(each.path, type(each.original_error)) for each in result.errors or ()] == [
        (["viewer", "sessions"], InPerson),
        (["viewer", "accessKeys"], InPerson),
    ]
    assert counted == []
