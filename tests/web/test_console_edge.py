from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from clinx.config.snapshot import Snapshot
from clinx.web.console_edge import ConsoleEdge
from support.tree import SMALL, compile_files


@pytest.fixture
def served(tmp_path) -> Callable[[str], Snapshot]:
    """A tree whose gateway is reached by a scheme."""

    def serve(scheme: str = "http") -> Snapshot:
        address = "http://localhost:4000" if scheme == "http" else "https://gw.example"
        tree = SMALL + f'server: {{trusted_proxies: [127.0.0.1/32]}}\nconsole: {{address: "{address}"}}\n'
        return compile_files(tmp_path / scheme, {"gateway.yaml": tree}).snapshot

    return serve


def request(**headers: str) -> Any:
    class Transport:
        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return ("127.0.0.1", 9) if name == "peername" else default

    named = {name.replace("_", "-"): each for name, each in headers.items()}
    return make_mocked_request("POST", "/graphql", {"Host": "gw", **named}, transport=Transport())


def test_a_caller_behind_a_trusted_proxy_is_whom_it_names(served: Callable[[str], Snapshot]) -> None:
    snapshot = served("http")
    edge = ConsoleEdge(lambda: snapshot)

    assert edge.address(request()) == "127.0.0.1"
    assert edge.address(request(X_Forwarded_For="192.0.2.7")) == "192.0.2.7"


@pytest.mark.parametrize(
    ("scheme", "forwarded", "name"),
    [("http", "", "clinx"), ("http", "https", "__Host-clinx"), ("https", "", "__Host-clinx")],
)
def test_a_session_is_read_and_written_under_the_name_that_its_transport_deserves(
    served: Callable[[str], Snapshot], scheme: str, forwarded: str, name: str
) -> None:
    snapshot = served(scheme)
    edge = ConsoleEdge(lambda: snapshot)
    sent = {"X_Forwarded_Proto": forwarded} if forwarded else {}
    asked = request(Cookie=f"{name}=secret; other=1", **sent)
    response = web.Response()

    secure = edge.is_secure(asked)
    edge.set_session(response, "secret", secure=secure, seconds=60)

    assert secure is (name != "clinx")
    assert edge.session_of(asked) == "secret"
    morsel = response.cookies[name]
    assert (morsel.value, morsel["max-age"], morsel["httponly"], morsel["samesite"]) == ("secret", "60", True, "Lax")
    assert bool(morsel["secure"]) is secure


def test_an_empty_secret_takes_the_session_away(served: Callable[[str], Snapshot]) -> None:
    snapshot = served("http")
    edge, response = ConsoleEdge(lambda: snapshot), web.Response()

    edge.set_session(response, "", secure=False, seconds=60)

    assert (response.cookies["clinx"].value, response.cookies["clinx"]["max-age"]) == ("", "0")


def test_a_new_tree_counts_at_once(served: Callable[[str], Snapshot]) -> None:
    now = [served("http")]
    edge = ConsoleEdge(lambda: now[0])
    before = edge.is_secure(request())
    now[0] = served("https")

    assert (before, edge.is_secure(request())) == (False, True)
