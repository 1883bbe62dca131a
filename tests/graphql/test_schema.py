from graphql import GraphQLObjectType

from clinx.graphql.schema import RULES, printed, schema


def test_every_field_of_every_type_has_a_rule() -> None:
    fields = {
        f"{type_.name}.{name}"
        for type_ in schema.core.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__")
        for name in type_.fields
    }

    assert set(RULES) == fields


def test_the_printed_schema_says_who_may_use_a_field() -> None:
    assert "Needs `user:set_role`" in printed() or "others need `user:read`" in printed()
    assert printed().endswith("}\n")
    assert printed() == printed()
