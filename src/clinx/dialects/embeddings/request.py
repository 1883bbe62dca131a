"""The envelope of an embeddings request."""

from __future__ import annotations

from clinx.dialects import members
from clinx.dialects.base import Envelope, Inbound
from clinx.dialects.body import JsonBody
from clinx.dialects.embeddings.endpoints import NAME
from clinx.dialects.openai.inputs import count_prompts
from clinx.domain.operation import Operation


def open_request(operation: Operation, inbound: Inbound) -> Envelope:
    """Read the envelope: ``model`` and ``input``; an answer generates nothing, so its bound is 0 tokens.

    Raises:
        InvalidRequest: see `members` and `count_prompts`.
    """
    body = JsonBody.parse(inbound.body)
    members.check_spelling(body)
    model = members.model(body)
    count_prompts(body, "input")
    return Envelope(
        dialect=NAME,
        operation=operation,
        model=model,
        stream=False,
        body=body,
        max_output_tokens=0,
        choices=1,
        prompt_bytes=len(inbound.body),
        wants_usage=False,
    )
