"""OpenAI's embeddings: text or tokens in, vectors out; never streamed.

Rooms: `endpoints`, `request` (the envelope), `response` (usage of an answer); `dialect.Embeddings` offers them to the
relay. Errors and the usage object are OpenAI's, so they are `openai_chat`'s. The vectors themselves are not looked at.
"""
