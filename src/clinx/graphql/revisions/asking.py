"""Questions that cannot be answered as they were asked: as failures of a query, or of a mutation."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from clinx.config.choices import ChoiceError
from clinx.domain.inquiry import InquiryError
from clinx.graphql.errors import Problem, Refusal


@contextmanager
def refusing() -> Generator[None]:
    """Turn what cannot be answered into a failure at the top: for queries.

    Raises:
        Refusal: with the same code.
    """
    try:
        yield
    except (InquiryError, Problem) as error:
        raise Refusal(error.message, error.code, **error.parameters) from None


@contextmanager
def objecting() -> Generator[None]:
    """Turn what cannot be done into a failure of the payload: for mutations.

    Raises:
        Problem: with the same code.
    """
    try:
        yield
    except InquiryError as error:
        raise Problem(error.code, error.message, *error.path, **error.parameters) from None
    except ChoiceError as error:
        raise Problem(error.code, str(error), "revision") from None
