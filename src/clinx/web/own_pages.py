"""Whether a page of the console asks, or a page of somebody else's that a browser was lured to.

A navigation carries no Origin header, so its Referer tells; a page without either is nobody's that could be known.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from clinx.domain.console import Console


def is_of_the_console(request: web.BaseRequest, console: Console) -> bool:
    """Say whether a browser sends this for a page of the console, by link, form or script.

    A link in an e-mail or a message is not: whoever writes it decides what it does.
    """
    if request.headers.get("Sec-Fetch-Site") == "same-origin":
        return True
    told = request.headers.get("Origin")
    origin = origin_of(request.headers.get("Referer", "") if told is None else told)
    named = [url for url in (console.url, console.address) if url is not None]
    return origin is not None and origin in {origin_of(url) for url in (*named, *console.origins)}


def origin_of(url: str) -> str | None:
    """Return scheme, host and port of a web address, as browsers write them; None for anything else."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    if split.scheme not in {"http", "https"} or not split.hostname:
        return None
    host = f"[{split.hostname}]" if ":" in split.hostname else split.hostname
    usual = port is None or port == (443 if split.scheme == "https" else 80)
    return f"{split.scheme}://{host}" + ("" if usual else f":{port}")
