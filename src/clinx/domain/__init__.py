"""The nouns of the gateway and their arithmetic; standard library only.

Nouns: Operation, Endpoint, Provider, Channel, Credential, Group, Model (`catalog`); User, Token, Principal
(`identity`); Amount (`money`); Usage (`usage`); Rate, Price, Quote (`pricing`); Reservation, LedgerEntry, Balance
(`ledger`); RequestLog, Attempt (`request_log`). Everything here is a frozen value: no I/O, no clock, no randomness.
What does not belong: parsing YAML (`config`), SQL (`storage`), wire formats (`dialects`).
"""
