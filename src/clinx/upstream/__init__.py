"""The client side of the wire: one request to one provider, and what its failure means.

Nouns: UpstreamRequest (`request`), built from a channel and an encoded body, never copied from a caller; Sender
(`send`) and UpstreamResponse (`response`): deadlines, streaming, one door for every failure (`stages`); Pool and Lease
(`pool`): transports shared across generations; Egress (`egress`): which addresses may be reached; Failure
(`failures`): whose fault an answer is, and how far it reaches. A Transport (`transport`) is our own HTTP/1.1 (`kept`,
on `stack`, `http1`, `dial`, `reach`, `socks`, `names`, `wire` and `slack`; an Answer is made of bytes by `answer`,
`head`, `body`, `inflate`) or a general client (`through_aiohttp`). What does not belong: which channel is tried
(`routing`), what an answer contains (`dialects`), whether to try again (`relay`).
"""
