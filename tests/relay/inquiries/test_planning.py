from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from clinx.domain.inquiry import Document, InquiryError
from clinx.relay.inquiries import planning
from clinx.storage import request_logs
from support.database import make_caller, request_log
from support.station import Station

PRICIER = ('input: "1", output', 'input: "3", output')


def changed(station: Station, before: str, after: str) -> list[Document]:
    """The root document with one thing in it changed."""
    text = (station.root / "gateway.yaml").read_text()
    assert before in text
    return [Document("gateway.yaml", text.replace(before, after))]


async def test_the_tree_as_it_is_changes_nothing(station: Station) -> None:
    plan = await station.inquirer.plan([], None)

    assert (plan.is_servable, plan.is_empty, plan.tables, plan.losses) == (True, True, (), ())
    assert plan.before == plan.after == station.current.snapshot.revision.id


async def test_a_plan_says_what_documents_would_mean(station: Station) -> None:
    before = {path: path.read_bytes() for path in station.root.rglob("*") if path.is_file()}

    plan = await station.inquirer.plan(changed(station, *PRICIER), None)

    assert (plan.is_servable, plan.is_empty, plan.calls) == (True, False, None)
    prices = next(table for table in plan.tables if table.title == "Prices")
    assert prices.rows[0] == ("fake-model", "", "input", "1", "3", "1000000", "+200%")
    assert {path: path.read_bytes() for path in station.root.rglob("*") if path.is_file()} == before


async def test_findings_have_their_places(station: Station) -> None:
    plan = await station.inquirer.plan(changed(station, "provider: openai-compatible", "provider: nobody"), None)

    assert (plan.is_servable, plan.tables) == (False, ())
    assert [(each.file, each.line, each.code, each.is_error) for each in plan.findings] == [
        ("gateway.yaml", 11, "E201", True)
    ]


async def test_what_must_not_follow_is_not_servable(station: Station) -> None:
    plan = await station.inquirer.plan(changed(station, "version: 1", "version: 1\ncurrency: EUR"), None)

    assert (plan.is_servable, [each.code for each in plan.findings]) == (False, ["E502"])


async def test_a_document_that_nothing_includes_is_named(station: Station) -> None:
    plan = await station.inquirer.plan([Document("more/channels.yaml", "channels: []\n")], None)

    assert (plan.unread, plan.is_empty) == (("more/channels.yaml",), True)


async def test_a_document_may_be_taken_out(station: Station) -> None:
    station.write("providers/acme.yaml", "nonsense: 1\n")

    broken = await station.inquirer.plan([], None)
    mended = await station.inquirer.plan([Document("providers/acme.yaml", None)], None)

    assert (broken.is_servable, mended.is_servable, mended.is_empty) == (False, True, True)


async def test_no_secret_is_read_for_a_plan(station: Station, tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("swordfish")
    reference = f"${{file:{tmp_path / 'outside'}}}"

    plan = await station.inquirer.plan(changed(station, "${env:UPSTREAM_KEY}", reference), None)
    forbidden = await station.inquirer.plan(changed(station, "${env:UPSTREAM_KEY}", "${env:HOME}"), None)

    assert plan.is_servable
    assert "swordfish" not in repr(plan)
    assert [each.code for each in forbidden.findings] == ["E402"]
    assert "vendor-secret" not in repr(forbidden)


@pytest.mark.parametrize(
    "path",
    ["../gateway.yaml", "/etc/passwd.yaml", "a/../b.yaml", ".git/config.yaml", "a\\b.yaml", "note.md", "", "a//b.yaml"],
)
async def test_a_path_that_no_tree_has(station: Station, path: str) -> None:
    with pytest.raises(InquiryError) as refused:
        await station.inquirer.plan([Document(path, "x")], None)

    assert (refused.value.code, refused.value.path) == ("invalid_path", ("documents", "0", "path"))


@pytest.mark.parametrize(
    ("documents", "code"),
    [
        ([Document(f"providers/p{n}.yaml", "") for n in range(101)], "too_many_documents"),
        ([Document("gateway.yaml", "#" * 800_000)], "documents_too_large"),
        ([Document("gateway.yaml", ""), Document("gateway.yaml", "")], "same_document_twice"),
        ([Document("gateway.yaml/x.yaml", "")], "invalid_path"),
    ],
    ids=["many", "large", "twice", "folder"],
)
async def test_documents_that_cannot_be_planned(station: Station, documents: list[Document], code: str) -> None:
    with pytest.raises(InquiryError) as refused:
        await station.inquirer.plan(documents, None)

    assert refused.value.code == code


async def test_tokens_that_lose_models_are_named(station: Station) -> None:
    await make_caller(station.database)

    plan = await station.inquirer.plan(
        changed(station, "models: [fake-model, per-call, free-model]", "models: [fake-model]"), None
    )

    [loss] = plan.losses
    assert (loss.group, loss.models, loss.is_all) == ("default", ("free-model", "per-call"), False)


async def test_logged_calls_are_replayed_up_to_a_bound(station: Station, monkeypatch: pytest.MonkeyPatch) -> None:
    caller = await make_caller(station.database, balance="1")
    await station.database.atomically(request_logs.append([request_log(f"r{n}", caller) for n in range(3)]))
    station.clock.advance(60)

    whole = await station.inquirer.plan([], timedelta(hours=1))
    monkeypatch.setattr(planning, "MOST_CALLS", 2)
    cut = await station.inquirer.plan([], timedelta(hours=1))

    assert [(plan.calls, plan.is_cut) for plan in (whole, cut)] == [(3, False), (2, True)]
    assert whole.tables[0].title == "Traffic of 3 calls"


@pytest.mark.parametrize("span", [timedelta(), timedelta(days=8)])
async def test_a_span_that_is_not_replayed(station: Station, span: timedelta) -> None:
    with pytest.raises(InquiryError) as refused:
        await station.inquirer.plan([], span)

    assert refused.value.code == "invalid_span"


async def test_a_proposal_is_a_patch_and_writes_nothing(station: Station) -> None:
    before = (station.root / "gateway.yaml").read_text()

    found = await station.inquirer.propose("channels.main.weight", "5")

    assert found.file == "gateway.yaml"
    assert "+    weight: 5\n" in found.patch
    assert (found.note, found.findings) == (None, ())
    assert (station.root / "gateway.yaml").read_text() == before


async def test_a_proposal_that_does_not_compile_says_why(station: Station) -> None:
    found = await station.inquirer.propose("channels.main.weight", "heavy")

    assert [(each.code, each.is_error) for each in found.findings] == [("E303", True)]


@pytest.mark.parametrize(
    ("path", "value"),
    [("channels.other.weight", "5"), ("channels.main.weight", None), ("x" * 501, "1"), ("", "1"), (" . ", "1")],
)
async def test_what_cannot_be_proposed(station: Station, path: str, value: str | None) -> None:
    with pytest.raises(InquiryError) as refused:
        await station.inquirer.propose(path, value)

    assert refused.value.code == "cannot_propose"
