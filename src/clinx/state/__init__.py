"""What processes count together: requests, tokens, money and slots, by rule and subject.

A `Counters` takes claims all or nothing in one step, is told afterwards what was used, and knows nothing of rules,
users or exchanges. `MemoryCounters` counts for one process; `RedisCounters` for all that share one Redis, the only
place in the house that speaks to it. Both answer alike: one suite of tests runs over both. Money that was charged is
the ledger's; here are only the sums that decide whether a next call may begin.
"""
