"""What is between the dialects: requests, answers and events that belong to no vendor.

Nouns: ChatRequest and Turn (`request`), parts (`content`), Tool and ToolChoice (`tools`), ChatResponse (`response`),
events (`events`), the way from events to a response and back (`fold`), EmbeddingRequest and EmbeddingResponse
(`embedding`). Values only: a dialect's codec decodes its wire format to these and encodes these to its wire format;
nothing here knows any wire format. What is not understood travels as `Unknown` or in `extras`, under the name of its
dialect. What only one dialect has is added here and never said by one codec to another behind canonical's back.
"""
