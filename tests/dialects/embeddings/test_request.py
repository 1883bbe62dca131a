from __future__ import annotations

import pytest

from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.embeddings.request import open_request
from clinx.domain.operation import Operation
from clinx.errors import InvalidRequest


def post(body: str) -> Inbound:
    return Inbound(method="POST", path="/v1/embeddings", match={}, query={}, headers={}, body=body.encode())


@pytest.mark.parametrize("value", ['"text"', '["a","b"]', "[1,2,3]", "[[1,2],[3]]", '[""]'])
def test_all_kinds_of_input_are_taken(value: str) -> None:
    text = f'{{"model":"e", "input":{value},"stream":true,"n":9,"dimensions":8}}'

    envelope = open_request(Operation.EMBED, post(text))

    assert envelope == Envelope("openai_embeddings", Operation.EMBED, "e", False, envelope.body, 0, 1, len(text), False)
    assert envelope.body.patched({}) == text.encode()


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ('{"input":"a"}', "model"),
        ('{"model":"e"}', "input"),
        ('{"model":"e","input":null}', "input"),
        ('{"model":"e","input":[]}', "input"),
        ('{"model":"e","input":{}}', "input"),
        ('{"model":"e","input":["a",1]}', "input"),
        ('{"model":"e","input":[1.5]}', "input"),
        ('{"model":"e","input":[[true]]}', "input"),
        ('{"model":"e","input":[[1],[]]}', "input"),
        ('{"model":"e","input":"a","Input":"b"}', "Input"),
        ("[]", None),
    ],
)
def test_anything_else_is_refused(body: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        open_request(Operation.EMBED, post(body))

    assert refused.value.param == param
