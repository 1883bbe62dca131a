"""What the operator's rules say about one exchange: may it pass, how fast, with which changes, to where.

Nouns: `Rule` (a name, a condition, one verb), `PolicySet` (every rule of a tree, found by what it tests), `Facts`
(what conditions see), `Verdict` (what the rules that matched say). `judge` is pure: the same facts, the same verdict,
so a rule can be tried without a server. What needs counters or the texts of a request (limits, budgets, guards) is
only named by a verdict, and done by `gate` and `guard`.

Not here: reading YAML and compiling conditions (`clinx.config`), obeying a `Steer` (`clinx.routing`).
"""
