"""Signing in, and all that proves who somebody is: passwords, sessions, second factors, passkeys, identities.

Also whoever asks (`viewer`). What is refused says the same whether an account exists or not; that is seen to in
`clinx.accounts`. Sign-in by the word of others has routes of its own, for browsers are sent away: `clinx.web`.
"""
