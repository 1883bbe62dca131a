"""Payment providers: what they are told, what they say, and asking them again.

Nouns: Provider (opens a page to pay on, says what became of an order), notice (what a callback says once its
signature was checked), Desk (has a notice booked, kept and counted), Reconciler (asks about orders nobody spoke of).
Reading and signing are pure. What does not belong: moving money, which is `billing.orders`; the routes, which are
`web.payments`.
"""
