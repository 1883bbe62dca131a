"""Which channels may serve an exchange, and in which order.

Nouns: Route, RouteTable (`table`): what each group offers, compiled once per snapshot; Pattern (`pattern`): a model
name with ``*``; Candidate, Plan (`plan`): the ordered channels of one exchange; Health (`health`): whose turn it is
among a channel's credentials, and which of them were told to wait. Orderings (`select`) are pure: randomness is
passed in. What does not belong: sending anything (`upstream`), what a model costs (`billing`).
"""
