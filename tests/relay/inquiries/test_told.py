from __future__ import annotations

from pathlib import Path

from clinx.config.diagnostics import Diagnostic
from clinx.domain.inquiry import Finding, RefusalTold
from clinx.domain.money import Amount
from clinx.domain.usage import Usage
from clinx.errors import PolicyRefused
from clinx.relay.inquiries.case_story import NOTHING
from clinx.relay.inquiries.told import finding, rates_told, refused, told
from clinx.relay.rehearsal import Case, rehearse
from support.gateway import tree_for
from support.station import Station, running_station


async def test_a_rehearsal_is_told_as_values(station: Station) -> None:
    snapshot = station.current.snapshot

    it = told(rehearse(snapshot, Case("per-call")), Usage(call=3), NOTHING, "rev")

    assert (it.revision, it.model, [each.channel for each in it.candidates]) == ("rev", "per-call", ["main"])
    assert it.quote is not None
    assert str(it.quote.total) == "0.03"


async def test_candidates_are_told_with_what_they_would_cost_us_where_that_is_known(tmp_path: Path) -> None:
    silent = tree_for("http://127.0.0.1:9")["gateway.yaml"].rstrip("\n")
    paid = f'{silent}\n    cost: {{input: "0.5", call: "0.01", per: 1M}}\n'
    costs: list[Amount | None] = []
    for name, text in (("silent", silent), ("paid", paid)):
        async with running_station(tmp_path / name, {"gateway.yaml": text}) as station:
            it = rehearse(station.current.snapshot, Case("fake-model"))
            costs += [each.cost for each in told(it, Usage(input=1_000_000, call=1), NOTHING, "rev").candidates]

    assert costs == [None, Amount.parse("0.51")]


def test_nothing_priced_has_no_rates() -> None:
    assert rates_told(None) == ()


def test_a_refusal_names_its_rule() -> None:
    error = PolicyRefused("Not on Sundays.", hint="Wait.")
    error.rule = "sundays"

    assert refused(error) == RefusalTold("policy_refused", "sundays", "Not on Sundays.", "Wait.")


def test_a_warning_is_no_error() -> None:
    found = finding(Diagnostic("gateway.yaml", 3, 1, "W205", "no channel"))

    assert found == Finding("gateway.yaml", 3, 1, "W205", "no channel", None, is_error=False)
