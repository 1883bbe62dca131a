"""Text to its number of tokens, offline: for holds, and for bills when an upstream reports no usage.

Nouns: encoding (a named tokenizer: ``o200k_base``). `encoding` chooses one for a model, `tokens` counts. The rank files
are package data (`encodings/`, OpenAI's, under the licence beside them); nothing is ever downloaded. What does not
belong: which parts of a body are text (`dialects`).
"""
