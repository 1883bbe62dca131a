"""Gemini's content to canonical and back.

`contents` and `config` read requests, `request_encoder` (with `wording` for what is said in it, and `thinking`) writes
them; `event_decoder` reads answers, whole and streamed, `answer_encoder` and `event_encoder` write them; `media`,
`schemas` and `reasons` go both ways. `content_codec.ContentCodec` offers them to the relay.
"""
