"""Fast detector simulation: events of a generator in, a table of what a detector shows of them out.

Each event is accepted with chance ε(z); its reconstruction is drawn from T(x|z).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from crosshook.core import random
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.files import open_events
from crosshook.core.events.staging import StagedFile
from crosshook.core.execute import one_thread
from crosshook.core.interfaces.features import Features
from crosshook.core.model import read_document
from crosshook.core.transfer.directory import model_folder, truth_expressions
from crosshook.core.transfer.models import load_transfer
from crosshook.core.unfolding.levels import PASS_RECO, WEIGHT, list_name

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.interfaces.transfer_function import TransferFunction

Lost = Literal["keep", "drop"]
BLOCK = 10_000
"""Events of a block, which has a random stream of its own."""
TRUTH, RECO = "truth_", "reco_"


@dataclass(frozen=True)
class Simulated:
    """What a simulation did.

    Attributes:
        path: of the table.
        events: read.
        accepted: of these.
        rows: written: all events, or the accepted ones.
        sum_of_weights: of the events read, in the unit of their weights.
        accepted_weight: of the accepted ones.
    """

    path: str
    events: int
    accepted: int
    rows: int
    sum_of_weights: float
    accepted_weight: float


def simulate(
    events: Path,
    output: Path,
    transfer: Path,
    *,
    truth: Mapping[str, str] | None = None,
    lost: Lost = "keep",
    seed: int = 1,
    overwrite: bool = False,
) -> Simulated:
    """Draws what a detector shows of the events of a file.

    The table has a row an event: its number `event`, `truth_*` and `reco_*` columns, `weight`, and
    `pass_reco`. Sets of objects are columns of lists. Reconstructed columns of lost events are
    missing values.

    Args:
        events: a file in any format crosshook reads.
        output: a Parquet file.
        transfer: directory of a transfer function, or of its model.
        truth: expressions of truth columns in the language of event files, by name; they go before
            those of the model.
        lost: `keep` writes lost events with pass_reco false, `drop` leaves them out.
        seed: of the draws.
        overwrite: replace a file that is there already.

    Raises:
        CrosshookError: if a file cannot be read or written, or truth columns are not known.
    """
    folder = model_folder(transfer)
    function = load_transfer(folder)
    names = _truth_names(folder)
    texts = {**truth_expressions(folder), **(truth or {})}
    strange = [name for name in texts if name not in names]
    missing = [name for name in names if name not in texts]
    if strange or missing:
        what = f"no truth column {strange[0]!r}" if strange else f"nothing gives {missing[0]!r}"
        message = (
            f"{folder}: {what}; the transfer function needs {', '.join(names)}: "
            "--truth NAME=EXPRESSION"
        )
        raise ConfigurationError(message)
    staged = StagedFile(output, overwrite)
    try:
        with one_thread():
            found = _stream(events, staged, output, function, names, texts, lost, seed)
        staged.commit()
    except BaseException:
        staged.discard()
        raise
    return found


def _truth_names(folder: Path) -> tuple[str, ...]:
    state = read_document(folder)["state"]
    truth = state.get("truth") if isinstance(state, dict) else None
    names = truth.get("names") if isinstance(truth, dict) else None
    if not isinstance(names, list):
        message = f"{folder}: the model does not say which truth columns it needs"
        raise InputError(message)
    if isinstance(state, dict) and state.get("truth_sets"):
        message = f"{folder}: the model needs sets of truth objects, which files of events lack"
        raise InputError(message)
    return tuple(str(name) for name in names)


def _stream(
    events: Path,
    staged: StagedFile,
    output: Path,
    function: TransferFunction,
    names: tuple[str, ...],
    texts: Mapping[str, str],
    lost: Lost,
    seed: int,
) -> Simulated:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        message = f"{output}: Parquet needs pyarrow: pip install 'crosshook[parquet]'"
        raise InputError(message) from error
    writer = None
    read = accepted = rows = 0
    total = kept = 0.0
    with open_events(events, BLOCK) as opened:
        info = opened.info
        expressions = {
            name: EventExpression.quantity(texts[name], info, f"truth {name}") for name in names
        }
        for block, batch in enumerate(opened):
            truth = _truth(batch, expressions, events, read)
            rng = random.torch_generator(seed, f"simulate/{block}")
            passed, reco = _shown(function, truth, rng)
            weight = np.asarray(batch.event["weight"], np.float64)
            columns = _columns(read, truth, reco, passed, weight, lost)
            table = pa.table(columns)
            if writer is None:
                writer = parquet.ParquetWriter(staged.path, table.schema)
            writer.write_table(table)
            flags = passed.numpy()
            read, accepted, rows = (
                read + len(truth),
                accepted + int(flags.sum()),
                rows + len(table),
            )
            total, kept = total + float(weight.sum()), kept + float(weight[flags].sum())
    if writer is None:
        message = f"{events}: there are no events"
        raise InputError(message)
    writer.close()
    return Simulated(str(output), read, accepted, rows, total, kept)


def _truth(
    batch: EventBatch, expressions: Mapping[str, EventExpression], path: Path, first: int
) -> Features:
    columns = []
    for name, expression in expressions.items():
        values = expression.values(batch)
        bad = ~np.isfinite(values)
        if bad.any():
            row = first + int(np.nonzero(bad)[0][0])
            message = f"{path}: event {row}: {name} = {expression.text} is {values[bad][0]:g}"
            raise InputError(message)
        columns.append(torch.from_numpy(values))
    return Features(torch.stack(columns, dim=1), tuple(expressions))


def _shown(
    function: TransferFunction, truth: Features, rng: torch.Generator
) -> tuple[Tensor, Features]:
    """Which events are accepted, and the reconstruction of those."""
    with torch.no_grad():
        chance = torch.rand(len(truth), generator=rng, dtype=torch.float64, device="cpu")
        passed = chance < function.log_acceptance(truth).exp()
        return passed, function.sample(truth.select(passed), 1, rng)


def _columns(
    first: int,
    truth: Features,
    reco: Features,
    passed: Tensor,
    weight: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    lost: Lost,
) -> dict[str, object]:
    import pyarrow as pa

    flags = passed.numpy()
    rows = np.arange(len(truth)) if lost == "keep" else np.nonzero(flags)[0]
    place = np.full(len(truth), -1)
    place[flags] = np.arange(int(flags.sum()))
    taken = pa.array(place[rows], mask=place[rows] < 0)
    found: dict[str, object] = {"event": first + rows}
    for i, name in enumerate(truth.names):
        found[f"{TRUTH}{name}"] = truth.dense[:, i].numpy()[rows]
    for i, name in enumerate(reco.names):
        found[f"{RECO}{name}"] = pa.array(reco.dense[:, i].numpy()).take(taken)
    for group, (values, there) in reco.sets.items():
        offsets = np.concatenate([[0], np.cumsum(there.sum(dim=1).numpy())])
        for q, name in enumerate(reco.set_names[group]):
            flat = values[:, :, q][there].numpy()
            lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(flat))
            found[f"{RECO}{list_name(group, name)}"] = lists.take(taken)
    found[WEIGHT], found[PASS_RECO] = weight[rows], flags[rows]
    return found
