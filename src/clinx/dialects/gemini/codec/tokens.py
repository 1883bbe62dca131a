"""How likely the tokens of an answer were, as Gemini says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clinx.canonical.content import TokenLogprob
from clinx.dialects.lenient import mapping, sequence


def read_tokens(given: object) -> tuple[TokenLogprob, ...]:
    """Read the result of one candidate, or of a piece of it."""
    tops = [tuple(_tokens(mapping(top).get("candidates"))) for top in sequence(mapping(given).get("topCandidates"))]
    chosen = list(_tokens(mapping(given).get("chosenCandidates")))
    return tuple(
        TokenLogprob(token.token, token.logprob, top=tops[place] if place < len(tops) else ())
        for place, token in enumerate(chosen)
    )


def _tokens(given: object) -> Iterator[TokenLogprob]:
    for each in map(mapping, sequence(given)):
        token, logprob = each.get("token"), each.get("logProbability", 0)
        if isinstance(token, str) and isinstance(logprob, int | float):
            yield TokenLogprob(token, float(logprob))


def write_tokens(tokens: Sequence[TokenLogprob]) -> Mapping[str, object]:
    """Return the members that say how likely tokens were; none where that is not known."""
    if not tokens:
        return {}
    result = {
        "chosenCandidates": [_token(token) for token in tokens],
        "topCandidates": [{"candidates": [_token(top) for top in token.top]} for token in tokens],
    }
    return {"logprobsResult": result, "avgLogprobs": sum(token.logprob for token in tokens) / len(tokens)}


def _token(token: TokenLogprob) -> Mapping[str, object]:
    return {"token": token.token, "logProbability": token.logprob}
