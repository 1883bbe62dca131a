"""E-mail: what is written, in which words, and how it reaches a server.

Nouns: Letter (`domain.letter`: whom to, which template, what it says of), Template (its words in one language, from the
catalogue), Writing (the subject and both bodies), Envelope (the bytes and both addresses), Postman (takes letters at
once and hands them over in its own time), Outbox (the bounded queue behind that). What does not belong: deciding that
something is to be said, which is the business of `accounts` and `notify`.
"""
