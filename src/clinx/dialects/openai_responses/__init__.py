"""OpenAI's responses: one prompt of items, one answer of items, and a stream of events about them.

Rooms: `endpoints` (the paths spoken), `request` (the envelope), `size` and `prompt` (how big a prompt is), `response`
(whole answers), `event` and `stream` (the tap), `usage` (the usage object), `errors` (both ways), `stored` (questions
about what the vendor keeps), `codec` (to canonical and back); `dialect.OpenAIResponses` offers them to the relay. An
earlier response is named in a request and not in its body; the upstream that made it knows it, and nobody else does.
"""
