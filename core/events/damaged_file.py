"""Whatever a library raises on a damaged file becomes one line that names the file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def explained(path: Path, kind: str, errors: tuple[type[Exception], ...]) -> Iterator[None]:
    """Names the file in whatever goes wrong while reading it.

    Args:
        path: of the file.
        kind: what it is read as, e.g. `a ROOT file of events`.
        errors: what the library raises on files that are damaged or not what they claim to be.

    Raises:
        InputError: in place of these, with the first line of what they say.
    """
    expected: tuple[type[Exception], ...] = (InputError, *errors)
    try:
        yield
    except expected as error:
        first = next(iter(str(error).splitlines()), "").rstrip(" ,") or type(error).__name__
        message = f"{path}: cannot be read as {kind}: {first}"
        raise InputError(message) from error
