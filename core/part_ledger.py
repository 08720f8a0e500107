"""The ledger of a generation: which blocks are done, so that a run that goes on takes them as they are.

Beside the part of a block, once it is whole, lies a line of JSON with its sums and the checksum
of the part. A block whose part or line is missing, damaged or made otherwise is computed again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.events.parts import WeightFigures
from crosshook.core.sampling.candidates import Spent
from crosshook.core.sampling.sums import Sums
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.sampling.build import SamplerSpec


@dataclass(frozen=True)
class EventBlock:
    """What one block of generation gives back.

    Attributes:
        number: of the block.
        sums: over all its points.
        kept: events it kept.
        figures: of their weights in pb, before scaling.
        path: of the part that holds them.
        sha256: of the part, taken by the worker that wrote it.
        invalid: the first invalid point in words, or `""`.
        spent: what its points have cost, if that was counted.
    """

    number: int
    sums: Sums
    kept: int
    figures: WeightFigures
    path: str
    sha256: str
    invalid: str
    spent: Spent | None = None


def part_path(folder: Path, block: int) -> Path:
    """Where the events of a block go."""
    return folder / f"block-{block:06d}.npz"


def _line_path(part: Path) -> Path:
    return part.with_suffix(".json")


def part_key(spec: SamplerSpec, seed: int, size: int, shares: Tensor) -> str:
    """A digest of everything the blocks of a generation depend on, whatever folder they are in."""
    models = [(name, checksum) for name, _, checksum in spec.models]
    made_of = [spec.document, models, spec.composition, seed, size, shares.tolist()]
    return hashlib.sha256(json.dumps(made_of).encode()).hexdigest()


def remove_part(block: EventBlock) -> None:
    """Removes the events of a block that is not needed."""
    part = Path(block.path)
    _line_path(part).unlink(missing_ok=True)
    part.unlink()


class PartLedger:
    """The blocks in a folder of parts."""

    def __init__(self, folder: Path, key: str) -> None:
        """Opens the ledger.

        Args:
            folder: of the parts.
            key: see `part_key`.
        """
        self._folder, self._key = folder, key

    def add(self, block: EventBlock) -> None:
        """Writes down a block whose part is whole.

        Raises:
            OutputError: if it cannot be written.
        """
        part = Path(block.path)
        document = {
            "key": self._key,
            "kept": block.kept,
            "figures": block.figures,
            "invalid": block.invalid,
            "sums": block.sums.as_json(),
            "sha256": block.sha256,
            "spent": None if block.spent is None else asdict(block.spent),
        }
        write_whole(_line_path(part), json.dumps(document))

    def find(self, block: int) -> EventBlock | None:
        """A block that is done, or None."""
        part = part_path(self._folder, block)
        try:
            document = json.loads(_line_path(part).read_text("utf-8"))
            digest = part_digest(part)
            if document["key"] != self._key or document["sha256"] != digest:
                return None
            sums = Sums.from_json(document["sums"])
            spent = None if document["spent"] is None else Spent(**document["spent"])
            weight, largest = document["figures"]
            figures = WeightFigures(weight, tuple(largest))
            kept, invalid = document["kept"], document["invalid"]
            return EventBlock(block, sums, kept, figures, str(part), digest, invalid, spent)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def part_digest(path: Path) -> str:
    """SHA-256 of a part."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
