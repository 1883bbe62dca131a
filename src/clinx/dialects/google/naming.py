"""The model's name: in the path, and sometimes in the body as well, where it must be the same one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec

from clinx.dialects import members
from clinx.dialects.base import Naming
from clinx.dialects.body import JsonBody
from clinx.errors import InvalidRequest

PREFIX: Final = "models/"
"""Before the name of a model where it is the name of a resource."""


def check_name(name: str) -> None:
    """Refuse a name that cannot be one.

    Raises:
        InvalidRequest: empty, too long, or with characters that cannot be printed.
    """
    if not 0 < len(name) <= members.MAX_MODEL or not name.isprintable():
        expected = f"a name of 1 to {members.MAX_MODEL} printable characters"
        raise InvalidRequest(f"Invalid value for 'model': expected {expected}.", param="model")


def check_model(body: JsonBody, name: str, param: str = "model") -> None:
    """Refuse a body that names another model than the path, so that no two readers can disagree about what was asked.

    Raises:
        InvalidRequest: it does.
    """
    if members.is_given(body, "model") and body.value("model") not in (name, PREFIX + name):
        raise other_model(param)


def other_model(param: str) -> InvalidRequest:
    """Return the refusal of a body that names another model than the path."""
    return InvalidRequest(f"'{param}' must be the model in the path.", param=param)


def one_model(body: JsonBody, model: str) -> Mapping[str, bytes | None]:
    """Return what to change where a body names its model: nothing if it does not, for the path does."""
    return {"model": as_resource(model)} if body.view("model") else {}


def naming_within(member: str) -> Naming:
    """Return what changes the name in a body whose member is a whole request."""
    return partial(_within, member)


def _within(member: str, body: JsonBody, model: str) -> Mapping[str, bytes | None]:
    inner = JsonBody.parse(body.raw(member) or b"{}")
    return {**one_model(body, model), member: inner.patched(one_model(inner, model))}


def as_resource(model: str) -> bytes:
    """Return the JSON text of a model's name as that of a resource."""
    return msgspec.json.encode(PREFIX + model)
