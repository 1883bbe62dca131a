"""Gemini's generateContent: what Google's models and their clients speak.

Rooms: `endpoints` (paths spoken), `request` (the envelope), `naming` and `names` (where models and members are called
by more than one name), `embedding` (embeddings, whole), `size` and `prompt` (how big a prompt is), `chunk` (an answer,
or a piece of one), `response` (whole answers), `stream` (the tap), `usage` (the usage object), `errors` (both ways),
`models` (the list), `codec` (to canonical and back); `dialect.Gemini` offers them to the relay. Model and method stand
in the path here. A piece of a stream looks like a whole answer, and only reasons to finish mark its end.
"""
