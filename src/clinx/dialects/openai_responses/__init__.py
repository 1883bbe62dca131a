"""OpenAI's responses: one prompt of items, one answer of items, and a stream of events about them.

Rooms: `endpoints` (the path spoken), `request` (the envelope), `size` and `prompt` (how big a prompt is), `response`
(whole answers), `event` and `stream` (the tap), `usage` (the usage object), `errors` (both ways), `codec` (to canonical
and back); `dialect.OpenAIResponses` offers them to the relay. What is stored at the vendor (an earlier response, a
conversation) is named in a request and not in its body; it is known to the upstream that made it, and to nobody else.
"""
