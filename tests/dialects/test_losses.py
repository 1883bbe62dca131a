from __future__ import annotations

from msgspec import Raw

from clinx.canonical.content import Text, ToolResult, Unknown
from clinx.canonical.request import ChatRequest, Extra, Role, Turn
from clinx.canonical.tools import Tool
from clinx.dialects.base import Loss, Severity
from clinx.dialects.losses import foreign_losses, harmless, severe

MINE, THEIRS = Unknown("mine", Raw(b"{}")), Unknown("theirs", Raw(b"{}"))


def test_losses_say_how_bad_they_are() -> None:
    assert severe("n", "One.") == Loss("n", Severity.SEVERE, "One.")
    assert harmless("n", "One.") == Loss("n", Severity.HARMLESS, "One.")


def test_what_only_another_dialect_understands_is_lost_wherever_it_stands() -> None:
    request = ChatRequest(
        "m",
        (
            Turn(Role.ASSISTANT, (Text("x"), MINE)),
            Turn(Role.USER, (ToolResult("c", (Text("x"), THEIRS)), THEIRS)),
        ),
        system=(THEIRS,),
        tools=(Tool("f"), MINE, THEIRS),
        extras={
            "mine": {"kept": Extra(Raw(b"1"), is_essential=True)},
            "theirs": {"logprobs": Extra(Raw(b"true"), is_essential=True), "store": Extra(Raw(b"true"))},
        },
    )

    assert [(loss.path, loss.severity) for loss in foreign_losses(request, "mine")] == [
        ("logprobs", Severity.SEVERE),
        ("store", Severity.HARMLESS),
        ("system[0]", Severity.SEVERE),
        ("messages[1].content[0].content[1]", Severity.SEVERE),
        ("messages[1].content[1]", Severity.SEVERE),
        ("tools[2]", Severity.SEVERE),
    ]


def test_a_request_that_everybody_understands_loses_nothing() -> None:
    assert list(foreign_losses(ChatRequest("m", (Turn(Role.USER, (Text("hi"),)),)), "mine")) == []
