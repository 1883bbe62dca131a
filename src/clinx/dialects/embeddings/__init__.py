"""Embeddings: texts in, vectors out; never streamed. Two formats, and the way between them.

OpenAI's is a dialect of its own: `endpoints`, `request` (the envelope), `response` (usage of an answer), and
`dialect.Embeddings`, which offers them to the relay; errors and the usage report are those of the house. Google's is a
part of the dialect `gemini`, which has the rest of it: `contents` (envelopes, answers, how big they are).

`codec` says what a codec of embeddings does, `input_codec` and `content_codec` are the two, and `vectors` are numbers
in either spelling. Passed through, the vectors themselves are not looked at.
"""
