import ast
import inspect
import re
from dataclasses import dataclass

import pytest

from clinx import errors
from clinx.errors import ClientGone, GatewayError, InvalidRequest, MethodNotAllowed, UpstreamRefused
from dialects.error_tree import codes, example

KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, GatewayError) and kind.__module__ == errors.__name__
]
LEAVES = [kind for kind in KINDS if "code" in vars(kind)]


@dataclass(frozen=True)
class Drawn:
    name: str
    parent: str
    code: str | None
    status: int | None


def drawn_tree() -> list[Drawn]:
    """What the docstring draws: each name, the one it hangs from, its code and its status where it has them."""
    found: list[Drawn] = []
    path: list[str] = ["GatewayError"]
    for line in (errors.__doc__ or "").splitlines():
        branch = re.match(r"([│ ]*)[├└]── (\w+)(?: +([a-z_]+) +(\d{3})?)?", line)
        if branch is None:
            continue
        depth = len(branch[1]) // 4 + 1
        del path[depth:]
        found.append(Drawn(branch[2], path[-1], branch[3], int(branch[4]) if branch[4] else None))
        path.append(branch[2])
    return found


def test_the_tree_that_is_drawn_is_the_tree_that_is() -> None:
    there = [
        Drawn(
            kind.__name__,
            kind.__bases__[0].__name__,
            kind.code if kind in LEAVES else None,
            # Passed on as the upstream said it, so the drawing has no figure.
            kind.status if kind in LEAVES and kind is not UpstreamRefused else None,
        )
        for kind in KINDS
        if kind is not GatewayError
    ]

    assert sorted(drawn_tree(), key=lambda each: each.name) == sorted(there, key=lambda each: each.name)


def test_it_is_drawn_in_the_order_in_which_it_is_written() -> None:
    written = [node.name for node in ast.parse(inspect.getsource(errors)).body if isinstance(node, ast.ClassDef)]

    assert [each.name for each in drawn_tree()] == written[1:]


def test_codes_are_unique_and_look_like_labels() -> None:
    found = [kind.code for kind in LEAVES]

    assert len(found) == len(set(found))
    assert set(found) == set(codes())
    assert [code for code in found if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []


def test_whatever_has_no_kinds_below_it_has_a_code_of_its_own() -> None:
    parents = {base for kind in KINDS for base in kind.__bases__}

    assert [kind for kind in KINDS if kind not in parents and kind not in LEAVES] == []


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_a_failure_carries_what_a_caller_may_see(kind: type[GatewayError]) -> None:
    failure = example(kind)

    assert (failure.message, str(failure)) == ("What went wrong", "What went wrong")
    assert isinstance(kind.status, int)
    assert 400 <= kind.status <= 599
    assert 400 <= failure.http_status <= 599
    assert failure.__cause__ is None


def test_hints_parameters_and_waits_are_there_only_when_given() -> None:
    bare = InvalidRequest("no")
    full = InvalidRequest("no", hint="say yes", param="answer", retry_after=1.5)

    assert (bare.hint, bare.param, bare.retry_after) == (None, None, None)
    assert (full.hint, full.param, full.retry_after) == ("say yes", "answer", 1.5)


def test_the_status_is_the_code_s_unless_the_upstream_chose_it() -> None:
    refused = UpstreamRefused("no", upstream_status=422, body=b"{}", content_type="application/json")

    assert (refused.status, refused.http_status) == (400, 422)
    assert (refused.body, refused.content_type) == (b"{}", "application/json")
    assert ClientGone("gone").http_status == 499


def test_a_refused_method_knows_the_allowed_ones() -> None:
    assert MethodNotAllowed("no", allowed=frozenset({"GET", "HEAD"})).allowed == {"GET", "HEAD"}


def test_every_code_is_known_by_name() -> None:
    assert {kind.code for kind in LEAVES} <= errors.codes()
    assert "policy_refused" in errors.codes()
