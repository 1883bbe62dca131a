"""Who is calling, and who may.

Nouns: User (an account holder), Token (an API key we issued, `sk-…`), Principal (the authenticated caller of one
exchange); for the console: Session, Identity (an account at another service), SecondFactor, Challenge (a one-time
secret), AccessKey (`ck-…`). A secret is shown once, when it is issued; what is kept is its SHA-256, or, of passwords,
argon2id; what must be read again is sealed. Tokens are cached for seconds; sessions and access keys are not. Money is
not its business: the ledger looks at the token again whenever it holds. What does not belong: balances and budgets
(`billing`), SQL (`storage`), what a role may do (`graphql`).
"""
