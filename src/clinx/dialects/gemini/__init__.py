"""Gemini's generateContent: what Google's models and their clients speak.

Rooms: `endpoints` (paths spoken), `request` (the envelope), `prompt` (how many tokens it is), `chunk` (an answer, or a
piece of one), `response` (whole answers), `stream` (the tap), `usage` (reports in answers), `errors` (both ways),
`codec` (to canonical and back); `dialect.Gemini` offers them to the relay, and embeddings with them. What all of
Google's formats have in common is in `clinx.dialects.google`. Model and method stand in the path here. A piece of a
stream looks like a whole answer, and only reasons to finish mark its end.
"""
