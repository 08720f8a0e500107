"""The run file of `crosshook transfer train`, read and checked before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError
from crosshook.core.options import validate
from crosshook.core.registry import default_registry
from crosshook.core.run_document import disabled, read_run_file
from crosshook.core.unfolding.run_file import LevelColumns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.registry import Registry

INTERFACE = "transfer_function"


@dataclass(frozen=True)
class PairedFiles:
    """Where paired events are and what their columns mean; see `events` of the schema.

    Attributes:
        files: Parquet or ROOT files.
        tree: of ROOT files, or None.
        truth: columns of truth.
        reco: columns of the reconstruction.
        weight: column, expression or number; None for the usual column, or 1.
        pass_reco: flag or condition; None for the usual column, or all.
        units: of columns, by name without prefix.
    """

    files: tuple[Path, ...]
    tree: str | None
    truth: LevelColumns
    reco: LevelColumns
    weight: str | None
    pass_reco: str | None
    units: Mapping[str, str]


@dataclass(frozen=True)
class TransferConfig:
    """A run file, resolved.

    Attributes:
        document: the whole file with every default.
        registry: of the plugins it uses.
        events: what to learn from.
        held_out: share of the events kept from the training.
        slot: the component, its options resolved.
        simulate: expressions of truth columns by name, for `crosshook simulate`.
        folder: that relative paths of the file are taken from.
        directory: where everything goes.
        html: whether a report is drawn.
        seed: of all random streams.
        device: where to compute.
    """

    document: Mapping[str, object]
    registry: Registry
    events: PairedFiles
    held_out: float
    slot: Slot
    simulate: Mapping[str, str]
    folder: Path
    directory: Path
    html: bool
    seed: int
    device: str


def load_transfer_file(
    path: Path,
    *,
    settings: Sequence[str] = (),
    output: Path | None = None,
    seed: int | None = None,
    folder: Path | None = None,
) -> TransferConfig:
    """Reads a run file and checks all of it that can be checked without computing.

    Args:
        path: a YAML file; see schemas/v1/transfer.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        folder: relative paths of the file start there, instead of where the file is.

    Raises:
        CrosshookError: if it cannot be read or is not allowed.
    """
    given, where = read_run_file(path, settings)
    if seed is not None:
        given["seed"] = seed
    registry = default_registry(disabled(given, where))
    full = validate(schemas.load("v1/transfer"), given, f"{where}:")
    slot = Slot.parse(cast("str | Mapping[str, object]", full["transfer"]))
    options = registry.options(INTERFACE, slot, f"{where}: transfer")
    if not registry.get(INTERFACE, slot.use).component.capabilities.trainable:
        message = f"{where}: transfer: {slot.use!r} is not trainable"
        raise ConfigurationError(message)
    slot = Slot(slot.use, options)
    full["transfer"] = slot.as_dict()
    events = cast("dict[str, object]", full["events"])
    written = cast("dict[str, str]", full["output"])
    folder = path.parent if folder is None else folder
    return TransferConfig(
        document=full,
        registry=registry,
        events=paired_files(events, cast("dict[str, str]", full["units"]), folder),
        held_out=cast("float", full["held_out"]),
        slot=slot,
        simulate=cast("dict[str, str]", full["simulate"]),
        folder=folder,
        directory=Path(written["directory"]) if output is None else output,
        html=written["report"] == "html",
        seed=cast("int", full["seed"]),
        device=cast("str", full["device"]),
    )


def paired_files(
    part: Mapping[str, object], units: Mapping[str, str], folder: Path
) -> PairedFiles:
    """The key `events` of a run file, validated.

    Args:
        part: its value.
        units: of columns.
        folder: relative paths start there.
    """
    names = [part["file"]] if isinstance(part["file"], str) else cast("list[str]", part["file"])
    weight, passed = part["weight"], part["pass_reco"]
    return PairedFiles(
        tuple(folder / str(name) for name in names),
        cast("str | None", part["tree"]),
        _level(cast("Mapping[str, object]", part["truth"])),
        _level(cast("Mapping[str, object]", part["reco"])),
        None if weight is None else str(weight),
        None if passed is None else str(passed),
        dict(units),
    )


def _level(part: Mapping[str, object]) -> LevelColumns:
    columns = part["columns"]
    chosen: tuple[str | tuple[str, str], ...] | None = None
    if isinstance(columns, dict):
        chosen = tuple((str(name), str(text)) for name, text in columns.items())
    elif isinstance(columns, list):
        chosen = tuple(str(name) for name in columns)
    return LevelColumns(str(part["prefix"]), cast("tuple[str, ...] | None", chosen))
