"""What the vendor keeps: the ids of answers and of their items, and questions about them."""

from __future__ import annotations

import re
from typing import Final, cast

import msgspec

from clinx.dialects import lenient, members
from clinx.dialects.base import Envelope, Inbound, StoredQuestion
from clinx.dialects.body import JsonBody
from clinx.dialects.density import MOST_VALUES, is_dense
from clinx.dialects.inline import ESCAPE
from clinx.dialects.openai_responses.endpoints import NAME
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest, ResponseNotFound

PASSED_ON: Final = frozenset(
    {
        *("include", "include[]", "stream", "starting_after", "include_obfuscation"),
        *("after", "before", "limit", "order"),
    }
)
"""Parameters that the vendor is to see; a key may be among the others."""

MOST_PARAMETERS: Final = 32
LONGEST_PARAMETER: Final = 256

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
"""What an id may look like: it becomes a part of an address."""
_NO_BODY: Final = JsonBody.parse(b"{}")

MOST_ITEMS: Final = 256
"""Items of one answer that are remembered."""
_REFERENCE: Final = "item_reference"
_PICTURE: Final = "image_generation_call"
"""An item that may be sent back without the picture it made."""
_NULL: Final = msgspec.Raw(b"null")


class _Item(msgspec.Struct, frozen=True, gc=False):
    """What of an item says whether it stands for itself; what it holds is not decoded."""

    id: object = None
    type: object = None
    content: msgspec.Raw = _NULL
    result: msgspec.Raw = _NULL


_ITEMS: Final = msgspec.json.Decoder(list[_Item])


def open_stored(inbound: Inbound) -> Envelope:
    """Read a question about a kept answer; its model is not known yet.

    Raises:
        ResponseNotFound: an id that cannot be one.
        InvalidRequest: absurd parameters.
    """
    name = inbound.match.get("response", "")
    if stored_id(name) is None:
        raise not_found(name)
    query = tuple((key, value) for key, value in inbound.query.items() if key in PASSED_ON)
    if len(query) > MOST_PARAMETERS or any(len(value) > LONGEST_PARAMETER for _, value in query):
        raise InvalidRequest("The query has too many or too long parameters.")
    about = inbound.match.get("about")
    return Envelope(
        dialect=NAME,
        operation=Operation.STORED,
        model="",
        stream=inbound.method == "GET" and about is None and dict(query).get("stream", "").lower() == "true",
        body=_NO_BODY,
        max_output_tokens=0,
        choices=1,
        prompt_bytes=0,
        wants_usage=True,
        stored=StoredQuestion(name, inbound.method, f"/{about}" if about else "", query),
    )


def not_found(name: str) -> ResponseNotFound:
    """Return the refusal of an answer that nobody keeps for the caller, in the vendor's words."""
    return ResponseNotFound(f"Response with id '{name[:200]}' not found.")


def stored_id(value: object) -> str | None:
    """Return what is an id; None for anything else."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def is_kept(body: JsonBody) -> bool:
    """Whether the vendor keeps the answer: it does unless it is told not to."""
    return bytes(body.view("store")) != b"false"


def continued(body: JsonBody) -> str | None:
    """Read the id of the answer that a request continues; None when absent.

    Raises:
        InvalidRequest: no text.
    """
    if not members.is_given(body, "previous_response_id"):
        return None
    text = body.view("previous_response_id")
    if members.kind(text) != "a string":
        raise members.wrong_type("previous_response_id", "a string", text)
    value = body.value("previous_response_id")
    return value if isinstance(value, str) else None


def items_of(answer: object) -> tuple[str, ...]:
    """Return the ids of an answer's items."""
    output = lenient.mapping(answer).get("output")
    items = cast("list[object]", output)[:MOST_ITEMS] if isinstance(output, list) else ()
    ids = (stored_id(lenient.mapping(item).get("id")) for item in items)
    return tuple(each for each in ids if each is not None)


def referred(body: JsonBody) -> tuple[str, ...]:
    """Return the ids of items that the vendor is to put in their place: those that say no more than which they are.

    Raises:
        InvalidRequest: the input is no list of objects, or has more values than any conversation.
    """
    text = body.view("input")
    if not text or members.kind(text) != "an array" or (b'"id"' not in body.data and ESCAPE not in body.data):
        return ()
    if is_dense(text):
        raise InvalidRequest(f"Invalid value for 'input': more than {MOST_VALUES} values.", param="input")
    items = members.decoded(text, "input", _ITEMS)
    return tuple(item.id for item in items if isinstance(item.id, str) and _is_reference(item))


def _is_reference(item: _Item) -> bool:
    if item.type == _PICTURE:
        return members.kind(item.result) == "null"
    return item.type == _REFERENCE or (item.type is None and members.kind(item.content) == "null")
