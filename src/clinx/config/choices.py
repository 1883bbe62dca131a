"""Which revision an operator means: one of this machine's history to go back to, or one on trial to promote."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from clinx.config.last_good import Kept


class ChoiceError(ValueError):
    """It is none, or not clear which; ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code


def to_go_back_to(history: Sequence[Kept], wish: str) -> str:
    """Return the one revision of the history that begins like this.

    Raises:
        ChoiceError: ``unknown_revision`` or ``ambiguous_revision``.
    """
    found = [each.revision for each in history if each.revision.startswith(wish)]
    if not found:
        raise ChoiceError("unknown_revision", f"{wish} is not in the history of this machine")
    if len(found) > 1:
        raise ChoiceError("ambiguous_revision", f"{wish} is the beginning of several revisions: {', '.join(found)}")
    return found[0]


def before(history: Sequence[Kept], served: str, rejected: Collection[str]) -> str:
    """Return what was served before the revision that is served now, leaving out what is rejected.

    Raises:
        ChoiceError: ``nothing_before``.
    """
    names = [each.revision for each in history]
    older = names[names.index(served) + 1 :] if served in names else names
    found = next((each for each in older if each not in rejected), None)
    if found is None:
        raise ChoiceError("nothing_before", "nothing was served before, as far as the history of this machine goes")
    return found


def to_promote(tried: Collection[str], rejected: Collection[str], wish: str | None) -> str:
    """Return the revision that is meant: the one on trial, or of those that were rejected, too, the one that is named.

    Raises:
        ChoiceError: ``unknown_revision``, ``ambiguous_revision`` or ``nothing_on_trial``.
    """
    known = sorted({*tried, *rejected}) if wish else sorted(tried)
    found = [each for each in known if each.startswith(wish or "")]
    if len(found) > 1:
        raise ChoiceError("ambiguous_revision", f"say which: {', '.join(found)}")
    if not found and wish:
        raise ChoiceError("unknown_revision", f"no revision {wish} is on trial or rejected")
    if not found:
        named = f"; name one that was rejected to serve it after all: {', '.join(rejected)}" if rejected else ""
        raise ChoiceError("nothing_on_trial", f"no revision is on trial{named}")
    return found[0]
