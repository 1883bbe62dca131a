"""OpenAI's chat to canonical and back.

Nouns, by what they read or write: RequestDecoder and RequestEncoder (with `messages` and `wording` for what is said in
them), AnswerDecoder and AnswerEncoder, EventDecoder and EventEncoder, `media` (pictures, recordings, files, both ways),
`reports` (usage and finish reasons). `chat_codec.ChatCodec` offers them to the relay. Text completions are decoded to
chats of one turn and answered in their own shape; they are never asked of an upstream.
"""
