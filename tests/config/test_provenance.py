from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clinx.cli.trees import own
from clinx.config.effects import Served
from clinx.config.provenance import UnknownPathError, credentials, is_path, origin
from clinx.domain.override import Aspect, Override

FILES = {
    "gateway.yaml": """\
version: 1
include: [more/*.yaml]
models:
  gpt-4.1: {price: {input: "2", per: 1M}, max_output: 9}
  tiers: {price: [{upto: 1k, input: "1", per: 1M}, {input: "2", per: 1M}], max_output: 9}
profiles:
  base: {provider: mine, timeouts: {connect: 1s, idle: 2s}, weight: 2}
  fast: {extends: base, timeouts: {connect: 3s}, tags: [quick]}
server: {max_body: 1MiB}
""",
    "more/channels.yaml": """\
channels:
  - name: main.eu
    extends: fast
    models: [gpt-4.1, tiers]
    timeouts: {total: 9s}
    credentials: ["${env:UPSTREAM_KEY}", "${env:UPSTREAM_NOPE}"]
    headers: {X-Org: acme}
    tags: ~
""",
    "providers/mine.yaml": "provider: mine\nextends: openai\nbase_url: https://mine.example\n",
    "policies/a.yaml": "- {name: rate, limit: {requests: 60, per: 1m}}\n",
}


@pytest.fixture(scope="module")
def it(tmp_path_factory: pytest.TempPathFactory) -> Served:
    root = tmp_path_factory.mktemp("tree")
    for name, text in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    source = own(root)
    return Served(source.tree, source.snapshot)


def chain(it: Served, path: str, *overrides: Override) -> list[str]:
    found = origin(it.tree, it.snapshot, path, overrides)
    places = [f"{each.mark.file}:{each.mark.line}:{each.mark.column}" if each.mark else "-" for each in found.chain]
    return [found.value, *(f"{place} {each.who} {each.value}" for place, each in zip(places, found.chain, strict=True))]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("channels.main.eu.weight", ["2", "gateway.yaml:7:61 profiles.base 2"]),
        ("channels.main.eu.retry", ["{attempts: 3, texts: []}", "- default {attempts: 3, texts: []}"]),
        (
            "channels.main.eu.timeouts.connect",
            ["3s", "gateway.yaml:8:36 profiles.fast 3s", "gateway.yaml:7:37 profiles.base 1s"],
        ),
        (
            "channels.main.eu.timeouts",
            [
                '{"connect":"3s","idle":"2s","total":"9s"}',
                'more/channels.yaml:5:5 channels.main.eu {"total":"9s"}',
                'gateway.yaml:8:25 profiles.fast {"connect":"3s"}',
                'gateway.yaml:7:26 profiles.base {"connect":"1s","idle":"2s"}',
            ],
        ),
        (
            "channels.main.eu.tags",
            ["[]", "more/channels.yaml:8:5 channels.main.eu ~", 'gateway.yaml:8:50 profiles.fast ["quick"]'],
        ),
        ("channels.main.eu.priority", ["0", "- default 0"]),
        ("channels.main.eu.disabled", ["false", "- default false"]),
        ("channels.main.eu.proxy", ["nothing", "- default nothing"]),
        (
            "channels.main.eu.base_url",
            [
                "https://mine.example",
                "providers/mine.yaml:3:1 providers/mine.yaml https://mine.example",
                "providers/openai.yaml:4:1 providers/openai.yaml https://api.openai.com",
            ],
        ),
        ("models.gpt-4.1.price.input", ["2", "gateway.yaml:4:21 models.gpt-4.1 2"]),
        (
            "models.gpt-4.1.price.output",
            ["2/1000000 (as what it is a part of)", "- default 2/1000000 (as what it is a part of)"],
        ),
        ("models.tiers.price[1].input", ["2", "gateway.yaml:5:53 models.tiers 2"]),
        ("server.max_body", ["1MiB", "gateway.yaml:9:10 gateway.yaml 1MiB"]),
        ("server.body_timeout", ["30s", "- default 30s"]),
        ("console.sign_in.session", ["30d", "- default 30d"]),
        ("console.keep.audit", ["forever", "- default forever"]),
        ("console.mail", ["nothing", "- default nothing"]),
        ("policies.rate.limit.requests", ["60", "policies/a.yaml:1:24 policies.rate 60"]),
    ],
)
def test_a_value_knows_every_place_that_says_something_of_it(it: Served, path: str, expected: list[str]) -> None:
    assert chain(it, path) == expected


def test_an_active_override_counts_before_the_tree(it: Served) -> None:
    until = datetime(2030, 1, 2, tzinfo=UTC)
    override = Override("main.eu", Aspect.WEIGHT, 0, "it fails", "ann", until, until, 3)

    assert chain(it, "channels.main.eu.weight", override) == [
        "0",
        "- override 3 of ann until 2030-01-02T00:00+00:00: it fails 0",
        "gateway.yaml:7:61 profiles.base 2",
    ]
    assert chain(it, "channels.main.eu.priority", override)[0] == "0"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("channels.mian.weight", 'unknown channel "mian"'),
        ("channels.main.eu.wieght", 'unknown key "wieght" (did you mean "weight"?)'),
        ("channels.main.eu.timeouts.conect", 'unknown key "conect" (did you mean "connect"?)'),
        ("models.gpt-4.price", 'unknown model "gpt-4" (did you mean "gpt-4.1"?)'),
        ("server.nope", 'unknown key "nope"'),
        ("policies.rat.limit", 'unknown rule "rat" (did you mean "rate"?)'),
    ],
)
def test_a_path_that_leads_nowhere_is_said_so(it: Served, path: str, said: str) -> None:
    with pytest.raises(UnknownPathError) as error:
        origin(it.tree, it.snapshot, path)

    assert str(error.value).startswith(said)


def test_keys_are_fingerprints_and_one_that_is_not_set_is_said_so(it: Served) -> None:
    keys = list(credentials(it.snapshot, "main.eu"))

    assert [reference for reference, _ in keys] == ["${env:UPSTREAM_KEY}", "${env:UPSTREAM_NOPE}"]
    assert "vendor-secret" not in str(keys)
    assert keys[1][1] == "not set here"
    assert "vendor-secret" not in "".join(chain(it, "channels.main.eu.credentials"))


def test_a_path_is_told_from_a_request(it: Served) -> None:
    assert is_path("channels.main.weight")
    assert not is_path("req_0123")
