"""What Google's formats do alike, whether content is generated or embedded; a home, and no dialect.

Rooms: `names` (members, which have two spellings), `naming` (models, which have two names), `errors` (both ways),
`usage` (its report), `size` and `parts` (how big contents are). The formats themselves are `clinx.dialects.gemini` and
`clinx.dialects.embeddings`.
"""
