"""The kinds of amplitude sources that can be inspected. A new kind is one more row of `KINDS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from crosshook.core.errors import InputError
from crosshook.core.registry import load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


class Inspected(Protocol):
    """What is known of a source."""

    def facts(self) -> Mapping[str, str]:
        """For people, in order."""
        ...

    def as_json(self) -> dict[str, object]:
        """For machines."""
        ...

    def fragment(self, pdg: Sequence[int]) -> tuple[dict[str, object], tuple[str, ...]]:
        """The `process:` of a run file.

        Args:
            pdg: PDG ids of the legs where the source does not know them; empty if unknown.

        Returns:
            The mapping, and what is left to fill in, in sentences.
        """
        ...


@dataclass(frozen=True)
class Kind:
    """One kind of source.

    Attributes:
        name: for people.
        recognises: whether a path looks like one.
        target: `module:function`, called with path and card, gives an `Inspected`.
    """

    name: str
    recognises: Callable[[Path], bool]
    target: str


KINDS = (
    Kind(
        "UMAMI library",
        lambda path: path.is_file() and {".so", ".dylib", ".dll"} & set(path.suffixes) != set(),
        "crosshook.adapters.umami.inspection:inspect_library",
    ),
    Kind(
        "MadGraph process directory",
        lambda path: (
            path.is_dir()
            and ((path / "SubProcesses").is_dir() or path.resolve().parent.name == "SubProcesses")
        ),
        "crosshook.adapters.madgraph.inspection:inspect_directory",
    ),
)


def inspect_source(path: Path, card: str = "") -> tuple[Kind, Inspected]:
    """What a path is, and what it knows.

    Args:
        path: a file or directory.
        card: parameter card, where the source takes one.

    Raises:
        InputError: if it is no source of amplitudes.
    """
    if not path.exists():
        message = f"{path}: no such file or directory"
        raise InputError(message)
    for kind in KINDS:
        if kind.recognises(path):
            found = load_target(kind.target, kind.name)(path, card)
            return kind, found  # type: ignore[return-value]
    names = ", ".join(kind.name for kind in KINDS)
    message = f"{path}: no source of amplitudes; known kinds: {names}"
    raise InputError(message)
