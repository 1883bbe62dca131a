"""A request as bytes. Whatever a value holds, what is written is one request and the headers it names."""

from __future__ import annotations

import re
from typing import Final

from clinx.upstream.request import UpstreamRequest
from clinx.upstream.stages import Stage, misconfigured

_HEAD: Final = re.compile(
    r"[A-Z]+ /[\x21-\x7e]* HTTP/1\.1\r\n(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+: [^\0-\x08\n-\x1f\x7f]*\r\n)+\r\n"
)
_OWN_LINES: Final = 4
"""The request line, ``Host``, ``Content-Length`` and the empty one."""


def encode(request: UpstreamRequest) -> tuple[bytes, bytes]:
    """Return a request's head, with ``Host`` and ``Content-Length``, and its body.

    Raises:
        UpstreamMisconfigured: the address or a header cannot be written; the text shows no value.
    """
    url, headers, body = request.url, request.headers, request.body
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = (
        f"{request.method} {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n{lines}"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    # The lines are counted: one that a value had smuggled in would look as good as the others.
    if _HEAD.fullmatch(head) is None or head.count("\n") != len(headers) + _OWN_LINES:
        raise misconfigured(Stage.REQUEST, "the address or a header cannot be written")
    return head.encode(), body
