from __future__ import annotations

from dataclasses import replace

import pytest

from clinx.dialects.base import StoredQuestion
from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential, Timeouts, TransportKind, UpstreamEndpoint
from clinx.domain.operation import Operation
from clinx.domain.provider_balance import BalanceQuestion
from clinx.domain.template import Template
from clinx.errors import InvalidRequest, UpstreamMisconfigured
from clinx.upstream.request import RequestBuilder, UpstreamRequest, Way
from support.channels import BEARER, CHAT, channel, credential, provider

KEY = credential("s3cret")


def _endpoint(path: str, **query: str) -> UpstreamEndpoint:
    pairs = tuple((name, Template.parse(value)) for name, value in query.items())
    return UpstreamEndpoint(Operation.CHAT, "openai_chat", Template.parse(path), pairs)


AZURE = _endpoint("/openai/deployments/{{ deployment }}/chat/completions", **{"api-version": "{{ settings.version }}"})


def _build(
    target: Channel, endpoint: UpstreamEndpoint = CHAT, key: Credential = KEY, model: str = "m", *, stream: bool = False
) -> UpstreamRequest:
    builder = RequestBuilder({"builtin:echo": "http://127.0.0.1:4000"}, "clinx/test")
    return builder.build(target, endpoint, key, model, b"{}", accept_stream=stream, request_id="req_1")


def test_a_request_is_complete_and_holds_nothing_else() -> None:
    target = channel(timeouts=Timeouts(first_byte=7.0, whole=9.0), proxy="http://proxy.test:3128")

    made = _build(target)

    assert made.method == "POST"
    assert str(made.url) == "http://acme.test/v1/chat/completions"
    assert made.headers == {
        "Accept": "application/json",
        "User-Agent": "clinx/test",
        "Content-Type": "application/json",
        "Authorization": "Bearer s3cret",
        "Accept-Encoding": "identity",
        "X-Request-Id": "req_1",
    }
    assert (made.body, made.way) == (b"{}", Way(TransportKind.AIOHTTP, "http://proxy.test:3128"))


@pytest.mark.parametrize("kind", list(TransportKind))
def test_a_socks_proxy_leaves_the_choice_of_the_client(kind: TransportKind) -> None:
    made = _build(channel(transport=kind, proxy="socks5h://proxy.test"))

    assert made.way == Way(kind, "socks5h://proxy.test")


def test_a_whole_answer_may_take_longer_to_begin_than_a_stream() -> None:
    target = channel(timeouts=Timeouts(first_byte=7.0, whole=9.0))

    assert _build(target).timeouts == Timeouts(first_byte=9.0, whole=9.0)
    assert _build(target, stream=True).timeouts == Timeouts(first_byte=7.0, whole=9.0)


def test_a_stream_is_asked_for_by_its_media_type() -> None:
    assert _build(channel(), stream=True).headers["Accept"] == "text/event-stream"


def test_a_stream_may_be_asked_for_at_another_address() -> None:
    stream = _endpoint("/models/{{ model }}:streamGenerateContent", alt="sse")
    endpoint = replace(_endpoint("/models/{{ model }}:generateContent"), streaming=stream)

    assert str(_build(channel(), endpoint).url) == "http://acme.test/models/m:generateContent"
    assert (
        str(_build(channel(), endpoint, stream=True).url) == "http://acme.test/models/m:streamGenerateContent?alt=sse"
    )
    assert str(_build(channel(), CHAT, stream=True).url) == "http://acme.test/v1/chat/completions"


def test_a_channels_headers_replace_the_providers_whatever_their_case() -> None:
    made = _build(channel(headers=(("authorization", "Token x"), ("X-Org", "acme"), ("user-agent", "own"))))

    assert {name.lower(): value for name, value in made.headers.items()} == {
        "accept": "application/json",
        "content-type": "application/json",
        "authorization": "Token x",
        "x-org": "acme",
        "user-agent": "own",
        "accept-encoding": "identity",
        "x-request-id": "req_1",
    }


@pytest.mark.parametrize(
    "name", ["Accept-Encoding", "content-length", "Transfer-Encoding", "Connection", "Cookie", "Host"]
)
def test_the_framing_of_messages_is_not_the_trees_to_set(name: str) -> None:
    assert _build(channel(headers=((name, "gzip"),))).headers == _build(channel()).headers


def test_without_a_key_no_half_of_one_is_sent() -> None:
    bare = provider(
        headers=(*BEARER, ("X-Plain", Template.parse("yes"))), query=(("key", Template.parse("{{ key }}")),)
    )

    made = _build(channel(provider=bare, credentials=()), key=NO_CREDENTIAL)

    assert "Authorization" not in made.headers
    assert made.headers["X-Plain"] == "yes"
    assert str(made.url) == "http://acme.test/v1/chat/completions"


def test_a_key_in_the_query_is_encoded() -> None:
    keyed = provider(headers=(), query=(("key", Template.parse("{{ key }}")),))

    made = _build(channel(provider=keyed), key=credential("a&b=c/d"))

    assert str(made.url) == "http://acme.test/v1/chat/completions?key=a%26b%3Dc%2Fd"


def test_the_model_in_a_path_is_encoded_and_settings_fill_the_query() -> None:
    target = channel(provider=provider(settings={"version": "2024-10-21"}))

    made = _build(target, AZURE, model="my/gpt 4.1:latest")

    assert made.url.raw_path_qs == (
        "/openai/deployments/my%2Fgpt%204.1%3Alatest/chat/completions?api-version=2024-10-21"
    )


def test_a_channels_setting_wins_and_dots_are_left_out_of_deployments_when_it_says_so() -> None:
    target = channel(
        provider=provider(settings={"version": "old", "strip_dots": "false"}),
        settings={"version": "new", "strip_dots": "true"},
    )

    made = _build(target, AZURE, model="gpt-3.5-turbo")

    assert made.url.raw_path_qs == "/openai/deployments/gpt-35-turbo/chat/completions?api-version=new"


def test_a_header_may_name_the_model() -> None:
    named = provider(headers=(("X-Model", Template.parse("{{ model }}")),))
    builder, target = RequestBuilder({}, "clinx/test"), channel(provider=named)

    made = [
        builder.build(target, CHAT, KEY, model, b"", accept_stream=False, request_id="r").headers["X-Model"]
        for model in ("a", "b")
    ]

    assert made == ["a", "b"]


@pytest.mark.parametrize("model", ["..", ".", "a/../b", "a\\..\\b"])
def test_a_model_name_that_would_walk_up_the_path_is_refused(model: str) -> None:
    target = channel(settings={"version": "1"})

    with pytest.raises(InvalidRequest) as caught:
        _build(target, AZURE, model=model)

    assert caught.value.param == "model"
    assert str(_build(target, CHAT, model=model).url) == "http://acme.test/v1/chat/completions"


def test_the_echo_server_is_found_by_its_name() -> None:
    assert str(_build(channel(base_url="builtin:echo")).url) == "http://127.0.0.1:4000/v1/chat/completions"


def test_a_base_address_keeps_its_path_and_query() -> None:
    made = _build(channel(base_url="https://acme.test/proxy/?tenant=7"), _endpoint("/chat", v="1"))

    assert str(made.url) == "https://acme.test/proxy/chat?tenant=7&v=1"


@pytest.mark.parametrize(
    "base_url", ["builtin:none", "ftp://acme.test", "acme.test", "http://", "http://u:p@acme.test", "http://a:b:c"]
)
def test_an_address_that_is_none_is_the_operators_business(base_url: str) -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        _build(channel(base_url=base_url))

    assert base_url not in caught.value.message
    assert str(caught.value.__cause__) == "request: channel main has no usable address"


def test_a_line_break_in_a_header_is_refused_without_showing_it() -> None:
    with pytest.raises(UpstreamMisconfigured) as caught:
        _build(channel(), key=credential("two\nlines"))

    assert "lines" not in f"{caught.value.message} {caught.value.__cause__}".replace("line break", "")


def test_what_is_remembered_belongs_to_the_very_channel_and_credential() -> None:
    builder = RequestBuilder({}, "clinx/test")
    old, new = channel(base_url="http://old.test"), channel(base_url="http://new.test")

    made = [
        builder.build(target, CHAT, key, "m", b"", accept_stream=False, request_id="r")
        for target, key in ((old, KEY), (new, KEY), (old, credential("other")), (old, KEY))
    ]

    assert [(each.url.host, each.headers["Authorization"]) for each in made] == [
        ("old.test", "Bearer s3cret"),
        ("new.test", "Bearer s3cret"),
        ("old.test", "Bearer other"),
        ("old.test", "Bearer s3cret"),
    ]


def test_what_a_dialect_passes_on_gives_way_to_the_channel_and_comes_before_the_provider() -> None:
    target = channel(
        provider=provider(headers=(("Version", Template.parse("old")), *BEARER)), headers=(("Beta", "the operator's"),)
    )
    passed_on = {"version": "new", "beta": "the caller's", "more": "x"}

    made = RequestBuilder({}, "clinx/test").build(
        target, CHAT, KEY, "m", b"", accept_stream=False, request_id="r", passed_on=passed_on
    )

    sent = {name.lower(): value for name, value in made.headers.items()}
    assert (sent["version"], sent["beta"], sent["more"]) == ("new", "the operator's", "x")
    assert len(sent) == len(made.headers)


def test_a_question_about_an_answer_goes_where_it_was_made() -> None:
    endpoint = _endpoint("/openai/v1/responses", **{"api-version": "{{ settings.version }}"})
    target = channel(settings={"version": "v1"})
    question = StoredQuestion("resp_1", "GET", "/input_items", (("limit", "5"), ("include[]", "a b&c")))

    made = RequestBuilder({}, "clinx/test").about(
        target, endpoint, KEY, "m", question, accept_stream=True, request_id="req_1"
    )

    address = "http://acme.test/openai/v1/responses/resp_1/input_items?api-version=v1&limit=5&include[]=a%20b%26c"
    assert (made.method, str(made.url), made.body) == ("GET", address, b"")
    assert made.headers == {
        "Accept": "text/event-stream",
        "User-Agent": "clinx/test",
        "Authorization": "Bearer s3cret",
        "Accept-Encoding": "identity",
        "X-Request-Id": "req_1",
    }


def _balance(target: Channel, question: BalanceQuestion, key: Credential = KEY) -> UpstreamRequest:
    return RequestBuilder({}, "clinx/test").balance(target, question, key, request_id="b")


def test_a_question_for_a_balance_goes_as_the_channel_s_calls_do() -> None:
    question = BalanceQuestion("GET", Template.parse("/left"), (("of", Template.parse("{{ settings.team }}")),))
    target = channel(
        base_url="https://own.test/x?a=1",
        settings={"team": "a b"},
        headers=(("X-Org", "acme"), ("content-type", "text/plain")),
        provider=provider(query=(("auth", Template.parse("{{ key }}")),)),
        proxy="http://proxy.test:3128",
        timeouts=Timeouts(connect=3.0),
    )

    made = _balance(target, question)

    assert (made.method, str(made.url), made.body) == ("GET", "https://own.test/x/left?a=1&auth=s3cret&of=a%20b", b"")
    assert made.headers == {
        "Accept": "application/json",
        "User-Agent": "clinx/test",
        "Authorization": "Bearer s3cret",
        "X-Org": "acme",
        "Accept-Encoding": "identity",
        "X-Request-Id": "b",
    }
    assert (made.way, made.timeouts) == (
        Way(TransportKind.AIOHTTP, "http://proxy.test:3128"),
        Timeouts(connect=3.0),
    )


def test_a_question_that_is_posted_is_an_empty_object_with_its_own_headers() -> None:
    headers = (("authorization", Template.parse("{{ key }}")), ("Api-Key", Template.parse("{{ key }}")))

    made = _balance(channel(), BalanceQuestion("POST", Template.parse("/left"), headers=headers))

    assert (made.method, made.body, made.headers["Content-Type"]) == ("POST", b"{}", "application/json")
    assert "Authorization" not in made.headers
    assert (made.headers["authorization"], made.headers["Api-Key"]) == ("s3cret", "s3cret")


def test_a_question_without_a_key_presents_none() -> None:
    made = _balance(channel(), BalanceQuestion("GET", Template.parse("/left")), NO_CREDENTIAL)

    assert "Authorization" not in made.headers
