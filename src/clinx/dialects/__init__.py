"""Wire formats; sans-I/O: bytes in, values out.

Nouns: Dialect, Inbound, Envelope, StreamTap, WholeAnswer, UpstreamProblem (`base`); JsonBody (`body`): a request body
that is never re-encoded; Codec, Encoded, Loss (`base`): the way to `canonical` and back; the server-sent-event reader
(`sse`); the explicit dict of dialects (`registry`). What formats do alike stands beside them: `tap`, `problems`,
`model_lists`, `counts`, `inline`, `prompts`, `members`, `lenient`; and what a house does in all of its formats:
`openai`, `google`. A dialect knows nothing of channels, prices, sockets or other dialects. A host is never a dialect:
Azure speaks `openai_chat`.
"""
