"""OpenAI's chat and text completions, and the model list: what most clients and most upstreams speak.

Rooms: `endpoints` (paths spoken), `request` (the envelope, and what is asked of the upstream), `prompt` (how big a
prompt is), `response` (whole answers), `stream` (the tap), `usage` (the usage object), `errors` (both ways),
`models` (the list); `dialect.OpenAIChat` offers them to the relay. Servers that are nearly OpenAI's belong here as far
as reading their answers goes; what has to be changed in a request for one of them is a quirk of its provider, in YAML.
"""
