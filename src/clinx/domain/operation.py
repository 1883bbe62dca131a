"""What a caller can ask for."""

from enum import StrEnum


class Operation(StrEnum):
    """The verb of an exchange; with a dialect it says how to read the body and the answer."""

    CHAT = "chat"
    COMPLETE = "complete"
    EMBED = "embed"
    LIST_MODELS = "list_models"
    SHOW_MODEL = "show_model"

    @property
    def is_billed(self) -> bool:
        """Whether the operation reaches an upstream, and so costs something."""
        return self not in _LOCAL


_LOCAL = frozenset({Operation.LIST_MODELS, Operation.SHOW_MODEL})
