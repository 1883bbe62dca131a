"""Responses to canonical and back.

Nouns: the request (`request_decoder`, `request_encoder`), its items (`item_decoder`, `item_encoder`) and the media in
them (`media`); the answer (`answer_decoder`, `answer_encoder`) and the stream (`event_decoder` with `item_progress`,
`event_encoder` with `item_writer`); what proves a thought (`proof`), states and usage (`reports`).
`responses_codec.ResponsesCodec` offers them.
"""
