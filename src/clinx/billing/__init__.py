"""The only room that moves money (docs/accounting.md).

Nouns: estimate (the most an exchange may use), Cashier (holds before the upstream is called, settles or releases
after), top-up (grants and adjustments), sweep (ends the holds of exchanges that died), statement (the read side).
An exchange holds once and its hold resolves at most once; a settlement is never refused for lack of funds. Holds and
settlements of concurrent exchanges share one commit. What does not belong: prices (`domain.pricing`), SQL
(`storage`), and any knowledge of wire formats or channels.
"""
