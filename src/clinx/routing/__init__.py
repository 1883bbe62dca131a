"""Which channels may serve an exchange, and in which order.

Nouns: Route, RouteTable (`table`): what each group offers, compiled once per snapshot; Pattern (`pattern`): a model
name with ``*``; Candidate, Plan (`plan`): the ordered channels of one exchange; Way and Turn (`way`): a credential
used for a model, and one use of it; Health (`health`): whose turn it is, and what became of the turns, with a Circuit
(`circuit`) for every way, Occupancy (`occupancy`) of channels and their Pace (`pace`); RetryBudget (`retries`);
Affinity (`affinity`). Orderings (`select`) and circuits are pure: clocks and randomness are passed in.
What does not belong: sending anything (`upstream`), what a model costs (`billing`), what rules say (`policies`).
"""
