"""Blocks of training points as tasks of an executor: workers write their rows to files.

Rows are counted block by block: the last one gives no more than are missing, and |M|² of its further
points is never computed. Workers compute blocks whole that are needed whole, as far as is known;
where it turns out otherwise, the block is computed again.
"""

from __future__ import annotations

import json
import math
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save

from crosshook.core.execute import Task, in_order
from crosshook.core.part_ledger import part_key
from crosshook.core.surrogates.amplitude_block import (
    BlockFigures,
    amplitude_block,
    points_for,
)
from crosshook.core.surrogates.training_set import AmplitudeTable
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from torch import Tensor

    from crosshook.core.execute import Executor
    from crosshook.core.sampling.build import SamplerSpec

FUNCTION = "crosshook.core.surrogates.block_tasks:write_block"
DESCRIBED = "described"
"""Key of a file's metadata."""


@dataclass(frozen=True)
class BlockWorkers:
    """Who computes blocks, if not this process.

    Attributes:
        executor: ready for tasks.
        spec: the trained sampler.
        folder: gets files of rows, which are looked for there first; whoever made it removes it.
    """

    executor: Executor
    spec: SamplerSpec
    folder: Path

    def blocks(
        self,
        first: int,
        missing: Callable[[], int],
        seed: int,
        size: int,
        shares: Tensor,
        amplitudes: int,
    ) -> Iterator[tuple[AmplitudeTable, BlockFigures]]:
        """The same blocks as one process gives, bit by bit, until no rows are missing.

        Args:
            first: number of the first block.
            missing: rows that are wanted still; asked again after every block.
            seed: of the random streams.
            size: points of a block.
            shares: p_c, `(k,)`.
            amplitudes: rows of a point.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        key = part_key(self.spec, seed, size, shares)[:16]
        common = {"spec": self.spec, "seed": seed, "size": size, "shares": shares}

        def path(block: int) -> Path:
            return self.folder / f"rows-{key}-{block:06d}.safetensors"

        def computed(blocks: range, most: int | None) -> Generator[int]:
            wanted = [block for block in blocks if not _is_there(path(block), most)]
            tasks = [
                Task(
                    block,
                    FUNCTION,
                    {**common, "block": block, "most": most, "output": str(path(block))},
                )
                for block in wanted
            ]
            with closing(in_order(self.executor, tasks)) as results:
                for block in blocks:
                    if block in wanted:
                        next(results)
                    yield block

        start, begun, exactly = first, missing(), False
        while (most := missing()) > 0:
            whole = 0 if exactly else _whole(most, begun, first - start, size * amplitudes)
            exactly = False
            for block in computed(range(first, first + max(whole, 1)), None if whole else most):
                table, figures = _read(path(block))
                left = missing()
                exactly = exactly or (whole > 0 and figures.usable > points_for(left, amplitudes))
                if exactly or not left:
                    continue
                first += 1
                yield table, figures


def _whole(missing: int, begun: int, blocks: int, largest: int) -> int:
    """Blocks that will be needed with all their points, as far as is known after some of them.

    Args:
        missing: rows that are wanted still.
        begun: rows that were wanted at first.
        blocks: that have come since.
        largest: rows that a block has at most.
    """
    if blocks == 0:
        return missing // largest
    rows = begun - missing
    if rows == 0:
        return blocks
    # As many rows a block as found, or more by two standard errors.
    return max(0, math.floor(missing * blocks / rows * (1 - 2 / math.sqrt(rows))))


def write_block(
    spec: SamplerSpec,
    seed: int,
    size: int,
    shares: Tensor,
    block: int,
    most: int | None,
    output: str,
) -> int:
    """Computes a block and writes its rows with its figures; the task of a worker.

    Args:
        spec: the trained sampler.
        seed: of the random streams.
        size: points of the block.
        shares: p_c, `(k,)`.
        block: its number.
        most: rows that are wanted, or None for all.
        output: path of the file.

    Returns:
        How many rows there are.

    Raises:
        OutputError: if the file cannot be written.
    """
    table, figures = amplitude_block(spec.sampler(), seed, block, size, shares, most)
    same = {"pdg": table.pdg, "qcd_order": table.qcd_order, "n_incoming": table.n_incoming}
    described = {"most": most, "figures": asdict(figures), "same": same}
    columns = {name: column.cpu().contiguous() for name, column in table.columns().items()}
    write_whole(Path(output), save(columns, {DESCRIBED: json.dumps(described)}))
    return len(table)


def _is_there(path: Path, most: int | None) -> bool:
    """Whether a block was computed before, with as many rows."""
    try:
        return bool(_described(path)["most"] == most)
    except (OSError, SafetensorError):
        return False


def _described(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        found: dict[str, Any] = json.loads(file.metadata()[DESCRIBED])
    return found


def _read(path: Path) -> tuple[AmplitudeTable, BlockFigures]:
    described = _described(path)
    same = described["same"]
    table = AmplitudeTable(
        **load(path.read_bytes()),
        pdg=tuple(tuple(legs) for legs in same["pdg"]),
        qcd_order=tuple(same["qcd_order"]),
        n_incoming=same["n_incoming"],
    )
    return table, BlockFigures(**described["figures"])
