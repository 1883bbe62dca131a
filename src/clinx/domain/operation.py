"""What a caller can ask for."""

from enum import StrEnum


class Operation(StrEnum):
    """The verb of an exchange; with a dialect it says how to read the body and the answer."""

    CHAT = "chat"
    COMPLETE = "complete"
    EMBED = "embed"
    EMBED_BATCH = "embed_batch"
    COUNT_TOKENS = "count_tokens"
    LIST_MODELS = "list_models"
    SHOW_MODEL = "show_model"
    STORED = "stored"
    """Something about an answer that a vendor keeps: to see it, delete it, cancel it, or list what it was made of."""

    @property
    def is_billed(self) -> bool:
        """Whether the operation costs something, and so is held for before anything is sent."""
        return self not in _FREE


_FREE = frozenset({Operation.COUNT_TOKENS, Operation.LIST_MODELS, Operation.SHOW_MODEL, Operation.STORED})
