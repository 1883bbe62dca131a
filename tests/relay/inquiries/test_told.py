from __future__ import annotations

from clinx.config.diagnostics import Diagnostic
from clinx.domain.inquiry import Finding, RefusalTold
from clinx.domain.usage import Usage
from clinx.errors import PolicyRefused
from clinx.relay.inquiries.case_story import NOTHING
from clinx.relay.inquiries.told import finding, rates_told, refused, told
from clinx.relay.rehearsal import Case, rehearse
from support.station import Station


async def test_a_rehearsal_is_told_as_values(station: Station) -> None:
    snapshot = station.current.snapshot

    it = told(rehearse(snapshot, Case("per-call")), Usage(call=3), NOTHING, "rev")

    assert (it.revision, it.model, [each.channel for each in it.candidates]) == ("rev", "per-call", ["main"])
    assert it.quote is not None
    assert str(it.quote.total) == "0.03"


def test_nothing_priced_has_no_rates() -> None:
    assert rates_told(None) == ()


def test_a_refusal_names_its_rule() -> None:
    error = PolicyRefused("Not on Sundays.", hint="Wait.")
    error.rule = "sundays"

    assert refused(error) == RefusalTold("policy_refused", "sundays", "Not on Sundays.", "Wait.")


def test_a_warning_is_no_error() -> None:
    found = finding(Diagnostic("gateway.yaml", 3, 1, "W205", "no channel"))

    assert found == Finding("gateway.yaml", 3, 1, "W205", "no channel", None, is_error=False)
