"""Anthropic's messages: what Claude and its clients speak, and vendors who want to be spoken to by them.

Rooms: `endpoints` (paths spoken), `request` (the envelope), `size` and `prompt` (how big a prompt is), `response`
(whole answers), `stream` (the tap), `event` (one event of a stream), `usage` (the usage object), `errors` (both ways),
`models` (the list), `codec` (to canonical and back); `dialect.Anthropic` offers them to the relay. Tokens read from a
cache or written to one stand beside `input_tokens` here, never in them.
"""
