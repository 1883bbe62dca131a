"""OpenAI's chat and text completions, and the model list: what most clients and most upstreams speak.

Rooms: `endpoints` (paths spoken), `request` (the envelope, and what is asked of the upstream), `size` and `prompt` (how
big a prompt is), `response` (whole answers), `chunk` and `stream` (the tap), `codec` (to canonical and back);
`dialect.OpenAIChat` offers them to the relay. Errors and the usage report are those of the house
(`clinx.dialects.openai`). Servers that are nearly OpenAI's belong here as far as reading their answers goes; what has
to be changed in a request for one of them is a quirk of its provider, in YAML.
"""
