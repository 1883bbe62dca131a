"""Who is calling, and who may.

Nouns: User (an account holder), Token (an API key we issued, `sk-…`), Principal (the authenticated caller of one
exchange). A token's secret is shown once, when it is issued; what is kept is its SHA-256. Authentication is cached
for seconds and decides from status, expiry and address; money is not its business: the ledger looks at the token
again whenever it holds. What does not belong: balances and budgets (`billing`), SQL (`storage`).
"""
