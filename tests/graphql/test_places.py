from typing import Any

import pytest
from graphql import GraphQLInputObjectType

from clinx.graphql import places
from clinx.graphql.errors import ErrorParameter, UserError
from clinx.graphql.places import place
from clinx.graphql.schema import schema
from support.operations import Api


def of(type_: str | None, code: str, *path: str, given: Any = None, what: str | None = None) -> list[str]:
    """Where a failure is in an input of the console."""
    found = None if type_ is None else schema.core.type_map[type_]
    assert found is None or isinstance(found, GraphQLInputObjectType)
    parameters = [] if what is None else [ErrorParameter(name="what", value=what)]
    return place(UserError(code=code, message="", path=list(path), parameters=parameters), found, given or {})


def test_what_a_failure_says_is_kept_if_the_input_has_it() -> None:
    assert of("UserUpdateInput", "group_unknown", "group") == ["group"]
    assert of("TokenCreateInput", "any", "limits", "networks", "0") == ["limits", "networks", "0"]
    assert of("TokenCreateInput", "any", "nothing", "0") == []


def test_a_field_is_found_in_a_part_of_the_input_and_by_its_name_there() -> None:
    assert of("TokenCreateInput", "token_invalid", what="expires_at") == ["limits", "expiresAt"]
    assert of("TokenCreateInput", "token_invalid", what="name") == ["name"]
    assert of("NotificationSettingsUpdateInput", "webhook_invalid", what="url") == ["webhook", "url"]
    assert of("RegisterInput", "name_reserved", what="display_name") == ["displayName"]


def test_a_parameter_of_another_code_names_no_field() -> None:
    assert of("SignInInput", "not_offered", what="password") == []


@pytest.mark.parametrize(
    ("type_", "code", "path"),
    [
        ("RegisterInput", "password_invalid", ["password"]),
        ("PasswordChangeInput", "password_invalid", ["new"]),
        ("PasswordChangeInput", "sign_in_refused", ["old"]),
        ("StepUpInput", "sign_in_refused", ["password"]),
        ("SignInInput", "sign_in_refused", []),
        ("TokenUpdateInput", "version_conflict", ["expectedVersion"]),
        ("TokenCreateInput", "idempotency_conflict", ["idempotencyKey"]),
        ("OrderCreateInput", "method_unknown", ["method"]),
        ("OrderCreateInput", "amount_out_of_range", ["amount"]),
        ("UserAdjustBalanceInput", "second_person_needed", ["by"]),
        ("CodeBatchCreateInput", "second_person_needed", ["amount"]),
        ("PasskeySignInFinishInput", "challenge_refused", []),
    ],
)
def test_what_a_code_is_about_an_input_may_call_otherwise(type_: str, code: str, path: list[str]) -> None:
    assert of(type_, code) == path


def test_of_several_fields_it_is_the_one_that_was_given() -> None:
    assert of("EmailVerifyInput", "challenge_refused", given={"email": "a@b.org", "code": "000000"}) == ["code"]
    assert of("EmailVerifyInput", "challenge_refused", given={"secret": "x"}) == ["secret"]
    assert of("ChargeRefundInput", "charge_unknown", given={"entry": "x"}) == ["entry"]


def test_an_id_is_found_whatever_the_input_calls_it() -> None:
    assert of("UserUpdateInput", "not_found", "id") == ["id"]
    assert of("UserAdjustBalanceInput", "not_found", "id") == ["user"]
    assert of("ChannelOverrideInput", "invalid_id", "id") == ["channel"]


def test_without_an_input_there_is_no_place() -> None:
    assert of(None, "not_found", "id") == []


def test_every_field_that_a_code_is_looked_for_in_is_one_of_some_input() -> None:
    inputs = [each for each in schema.core.type_map.values() if isinstance(each, GraphQLInputObjectType)]
    known = {name for each in inputs for name in each.fields}

    about = places._ABOUT  # pyright: ignore[reportPrivateUsage]
    assert {code: set(names) - known for code, names in about.items() if not known & set(names)} == {}


async def test_the_schema_s_mutations_tell_it(api: Api) -> None:
    text = """mutation ($input: TokenCreateInput!) {
      tokenCreate(input: $input) { errors { code path } }
    }"""
    limits = {"networks": ["10.0.0.1/8"], "expiresAt": "2001-01-01T00:00:00Z"}

    told = await api.ask(await api.user("ann"), text, input={"name": "", "limits": limits, "idempotencyKey": "k"})

    assert [each["path"] for each in told["tokenCreate"]["errors"]] == [
        *(["limits", "networks"], ["name"], ["limits", "expiresAt"]),
    ]
