"""What a dialect is where its rooms say nothing else: one without usage to ask for, and without questions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clinx.dialects.base import Envelope
from clinx.domain.catalog import Model, UsageInStream
from clinx.errors import InternalError


class Rooms:
    """The part of a `Dialect` that is alike in most; a dialect names its rooms' functions, and replaces what differs.

    What a format has no endpoint for is never asked of it, so it is a defect of ours if it is.
    """

    __slots__ = ()

    @staticmethod
    def stream_patches(envelope: Envelope, usage_in_stream: UsageInStream) -> Mapping[str, bytes | None]:
        """Return nothing: usage is part of every stream."""
        del envelope, usage_in_stream
        return {}

    @staticmethod
    def render_count(tokens: int) -> bytes:
        """Refuse: no endpoint of this dialect counts.

        Raises:
            InternalError: always.
        """
        del tokens
        raise InternalError("Prompts are not counted in this dialect.")

    @staticmethod
    def render_models(models: Sequence[Model]) -> bytes:
        """Refuse: no endpoint of this dialect lists models.

        Raises:
            InternalError: always.
        """
        del models
        raise InternalError("Models are not listed in this dialect.")

    @staticmethod
    def render_model(model: Model) -> bytes:
        """Refuse, as `render_models` does.

        Raises:
            InternalError: always.
        """
        del model
        raise InternalError("Models are not shown in this dialect.")
