"""The client side of the wire: one request to one provider, and what its failure means.

Nouns: UpstreamRequest (`request`), built from a channel and an encoded body, never copied from a caller; Sender
(`send`) and UpstreamResponse (`response`): deadlines, streaming, one door for every failure (`stages`); Pool and Lease
(`pool`): connections shared across generations; Egress (`egress`): which addresses may be reached; Failure
(`failures`): whose fault an answer is, and how far it reaches. What does not belong: which channel is tried
(`routing`), what an answer contains (`dialects`), whether to try again (`relay`).
"""
