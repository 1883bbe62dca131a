"""What OpenAI's formats do alike, chats, responses and embeddings; a home, and no dialect.

Rooms: `errors` (both ways; responses have an event of their own), `usage` (the report of chats and of embeddings) and
`inputs` (prompts and inputs, which may be texts or tokens). The formats themselves are `clinx.dialects.openai_chat`,
`clinx.dialects.openai_responses` and `clinx.dialects.embeddings`.
"""
