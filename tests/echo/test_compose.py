from __future__ import annotations

import json
from typing import Any

from clinx.echo.ask import ChatAsk, CompletionAsk, read
from clinx.echo.compose import Reply, answer_tokens, prompt_tokens, replies


def _words(text: str) -> int:
    return len(text.split())


def _chat(*said: tuple[str, str], **members: Any) -> ChatAsk:
    messages = [{"role": role, "content": content} for role, content in said]
    return read(json.dumps({"model": "echo", "messages": messages, **members}).encode(), ChatAsk)


def test_the_last_thing_the_user_said_is_said_back() -> None:
    (answer,) = replies(_chat(("user", "one"), ("assistant", "two"), ("user", "three"), ("tool", "four")), _words)

    assert answer.text.startswith("Echo: three\n\nThis answer comes from the upstream that is built into the gateway.")
    assert answer.finish == "stop"


def test_without_a_user_the_last_message_is_said_back() -> None:
    (answer,) = replies(_chat(("system", "be kind")), _words)

    assert answer.text.startswith("Echo: be kind\n\n")


def test_the_same_question_has_the_same_answer() -> None:
    assert replies(_chat(("user", "hi")), _words) == replies(_chat(("user", "hi")), _words)


def test_a_long_question_has_no_long_answer() -> None:
    (answer,) = replies(_chat(("user", "x" * 300_000)), _words)

    assert len(answer.text) < 700


def test_an_answer_is_cut_at_its_limit_and_says_so() -> None:
    (answer,) = replies(_chat(("user", "hi"), max_tokens=4), _words)

    assert answer.finish == "length"
    assert _words(answer.text) == 4
    assert answer.text.startswith("Echo: hi\n\nThis answer")


def test_an_answer_that_fits_is_whole() -> None:
    (whole,) = replies(_chat(("user", "hi")), _words)

    assert replies(_chat(("user", "hi"), max_tokens=_words(whole.text)), _words) == [whole]


def test_every_choice_of_every_prompt_is_answered() -> None:
    ask = read(b'{"model":"echo","prompt":["a","b"],"n":2,"max_tokens":2}', CompletionAsk)

    assert [answer.text.strip() for answer in replies(ask, _words)] == ["Echo: a", "Echo: a", "Echo: b", "Echo: b"]
    assert len(replies(_chat(("user", "hi"), n=3), _words)) == 3


def test_a_forced_tool_is_called_without_arguments() -> None:
    ask = _chat(("user", "hi"), tools=[{"function": {"name": "look"}}], tool_choice="required")

    answers = replies(ask, _words)

    assert answers == [Reply("", "tool_calls", "look")]
    assert answer_tokens(answers, _words) == 2


def test_pieces_are_the_text_in_order() -> None:
    reply = Reply("Echo: two  words\n\nand more \n", "stop")

    assert reply.pieces == ["Echo:", " two", "  words", "\n\nand", " more", " \n"]
    assert "".join(reply.pieces) == reply.text
    assert Reply("", "length").pieces == []


def test_the_prompt_counts_its_messages_the_documented_way() -> None:
    assert prompt_tokens(_chat(("system", "be kind"), ("user", "hi")), _words) == 3 + (3 + 1 + 2) + (3 + 1 + 1)
    assert prompt_tokens(read(b'{"model":"echo","prompt":["a b","c"]}', CompletionAsk), _words) == 3
    assert answer_tokens([Reply("a b", "stop"), Reply("c", "stop")], _words) == 3
