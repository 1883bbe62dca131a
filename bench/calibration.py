"""A fixed piece of work to measure others by: as broad as a request to a gateway, and nothing of a gateway's.

A tight loop would not do. A request runs through much code and touches much memory, each a little; on a busy machine
others drive both out of the caches, and a request suffers from that where a tight loop does not. So a turn is a walk
through the standard library. It must stay as it is: what is stored was measured in its turns.
"""

from __future__ import annotations

import ast
import base64
import configparser
import csv
import difflib
import email
import gc
import hashlib
import inspect
import io
import ipaddress
import json
import pprint
import shlex
import string
import textwrap
import time
import urllib.parse
import xml.etree.ElementTree as ET
import zlib
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from http.cookies import SimpleCookie

_SOURCE = """\
def f(a, b=1, *c, d: int = 2, **e) -> str:
    x = [i * 2 for i in range(a) if i % 3]
    try:
        return f'{x!r}{d}'
    except ValueError as error:
        raise KeyError(b) from error
"""
_MESSAGE = (
    b"From: a@example.com\r\nTo: b@example.com\r\nSubject: ledger\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"It balances.\r\n"
)
_DOCUMENTS = tuple(
    json.dumps({"id": number, "messages": [{"role": "user", "content": f"what does {number} say? " * 20}], "n": 1})
    for number in range(5_000)
)
"""More than the caches of a core hold."""


async def calibrate(turns: int) -> float:
    """Take some turns; return the CPU microseconds of one."""
    gc.collect()
    began = time.process_time()
    for number in range(turns):
        await _turn(number)
    return (time.process_time() - began) / turns * 1e6


async def _turn(number: int) -> None:
    document = json.loads(_DOCUMENTS[number * 7 % len(_DOCUMENTS)])
    document["n"] = await _same(number)
    json.dumps(document)
    _read()
    _count(number)
    _write(number)


async def _same(number: int) -> int:
    return number


def _read() -> None:
    ast.unparse(ast.parse(_SOURCE))
    email.message_from_bytes(_MESSAGE).get_content_type()
    parser = configparser.ConfigParser()
    parser.read_string("[a]\nb = 1\nc = %(b)s\n")
    parser.get("a", "c")
    urllib.parse.parse_qs(urllib.parse.urlsplit("https://a.example/b?c=1&d=2#e").query)
    ipaddress.ip_network("10.0.0.0/8")
    shlex.split("a 'b c' --d=e")
    ET.fromstring("<a b='1'><c>d</c></a>")  # noqa: S314  (our own text)
    list(csv.reader(io.StringIO("a,b\n1,2\n")))
    SimpleCookie("a=b; c=d").output()


def _count(number: int) -> None:
    _ = Fraction(number + 1, 7) * Fraction(3, 5)
    _ = Decimal(number) / 7
    datetime.strptime("2026-01-02 03:04:05+0000", "%Y-%m-%d %H:%M:%S%z")
    difflib.SequenceMatcher(None, "ledger", "lodger").ratio()
    hashlib.sha256(_MESSAGE).hexdigest()
    base64.b64encode(zlib.compress(_MESSAGE))


def _write(number: int) -> None:
    pprint.pformat({"a": [1, 2, {"b": number}]})
    textwrap.wrap("it balances and it balances " * 3, 20)
    string.Template("$a").substitute(a=number)
    urllib.parse.urlencode({"c": ["1"], "d": ["2"]}, doseq=True)
    inspect.signature(calibrate)
