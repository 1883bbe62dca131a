"""Request logs: what became of single calls, as their callers and as operators see it.

Sums over many calls are `dashboard`; following calls as they end is `live`; whole months at once are `graphql.exports`.
"""
