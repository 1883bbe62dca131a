"""Anthropic's messages to canonical and back.

Nouns, by what they read or write: the request decoder (with `block_decoder`) and encoder (with `part_encoder`, `wish`
and `generation` for what a model takes), the answer decoder and encoder, EventDecoder and EventEncoder, `reports`
(usage and stop reasons). `messages_codec.MessagesCodec` offers them to the relay.
"""
