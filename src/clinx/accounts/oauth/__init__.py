"""Signing in by somebody else's word: OpenID Connect issuers, GitHub, LinuxDO, Telegram, WeChat.

Nouns: Trip (a browser sent to an issuer, and what binds the answer to that browser), Found (who came back, by an id
that never changes), ExternalSignIn (`flow`: begins trips and turns what was found into a session, a bond or a new
account), Fetch (the door to the network, which the composition root provides). What does not belong: cookies and
redirects (`web`), sessions and second factors (`accounts`), addresses that may be reached (`upstream`).
"""
