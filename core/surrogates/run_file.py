"""The run file of `crosshook surrogate train`, read and checked before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.chosen_executor import KEY, chosen_executor
from crosshook.core.component import Slot
from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError
from crosshook.core.options import validate
from crosshook.core.registry import default_registry
from crosshook.core.resolved_document import options_gathered
from crosshook.core.run_document import disabled, read_run_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.config import RunConfig
    from crosshook.core.registry import Registry

INTERFACE = "amplitude_surrogate"
SHARED = (
    "process",
    "beams",
    "scales",
    "alpha_s",
    "cuts",
    "sampling",
    "seed",
    "block_size",
    "device",
    "disable",
)
"""Keys that mean what they mean in a run file."""


@dataclass(frozen=True)
class TableFiles:
    """Where a table is and what its columns mean; see `points.table` of the schema.

    Attributes:
        files: Parquet files.
        amplitude: column of |M|².
        weight: column of what makes it a weight, or None.
        alpha_s: column or value of the coupling, or None for the files' own.
        pdg: of the legs, or None for the files' own.
        qcd_order: power of α_s, or None for m - 2.
        n_incoming: 1 or 2.
    """

    files: tuple[Path, ...]
    amplitude: str = "me2"
    weight: str | None = None
    alpha_s: str | float | None = None
    pdg: tuple[int, ...] | None = None
    qcd_order: int | None = None
    n_incoming: int = 2


@dataclass(frozen=True)
class SurrogateConfig:
    """A run file, resolved; one of `draw`, `table` and `events` says where points come from.

    Attributes:
        document: the whole file with every default, but for the executor.
        registry: of the plugins it uses.
        run: process, beams, cuts and sampling; None for a table.
        draw: number of points to draw, or None.
        table: files with |M|², or None.
        events: files of events; may be empty.
        held_out: share of points kept from the training.
        slot: the component, its options resolved.
        alpha_s: where nothing else gives it.
        card: what the model card says besides what is measured.
        folder: relative paths of points are taken from there.
        directory: where everything goes.
        html: whether a report is drawn.
        seed: of all random streams.
        device: where to compute.
        executor: who computes |M|² of points.
    """

    document: Mapping[str, object]
    registry: Registry
    run: RunConfig | None
    draw: int | None
    table: TableFiles | None
    events: tuple[Path, ...]
    held_out: float
    slot: Slot
    alpha_s: float
    card: Mapping[str, object]
    folder: Path
    directory: Path
    html: bool
    seed: int
    device: str
    executor: Slot


def load_surrogate_file(
    path: Path,
    *,
    settings: Sequence[str] = (),
    output: Path | None = None,
    seed: int | None = None,
    folder: Path | None = None,
    workers: int | None = None,
) -> SurrogateConfig:
    """Reads a run file and checks all of it that can be checked without computing.

    Args:
        path: a YAML file; see schemas/v1/surrogate.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        folder: relative paths of points are taken from there instead of the file's folder.
        workers: processes that compute |M|² of points, instead of the file's.

    Raises:
        CrosshookError: if it cannot be read or is not allowed.
    """
    given, where = read_run_file(path, settings)
    if seed is not None:
        given["seed"] = seed
    registry = default_registry(disabled(given, where))
    executor = given.get(KEY)
    if isinstance(executor, dict) and "use" in executor:
        given[KEY] = options_gathered(executor)
    full = validate(schemas.load("v1/surrogate"), given, f"{where}:")
    chosen = Slot.parse(cast("str | Mapping[str, object]", full.pop(KEY)))
    slot = _slot(full["surrogate"], where, registry)
    full["surrogate"] = slot.as_dict()
    points = cast("dict[str, object]", full["points"])
    if len(points) != 1:
        message = f"{where}: points: give one of draw, table and events, not {list(points)}"
        raise ConfigurationError(message)
    folder = path.parent if folder is None else folder
    table = None
    if "table" in points:
        given_table = dict(cast("dict[str, object]", points["table"]))
        pdg = cast("list[int] | None", given_table.pop("pdg"))
        files = _files(given_table.pop("files"), folder)
        legs = None if pdg is None else tuple(pdg)
        table = TableFiles(files, pdg=legs, **given_table)  # type: ignore[arg-type]
    run = _run(full, where, registry) if table is None else None
    written = cast("dict[str, str]", full["output"])
    return SurrogateConfig(
        document=full,
        registry=registry,
        run=run,
        draw=cast("int | None", points.get("draw")),
        table=table,
        events=_files(points.get("events", []), folder),
        held_out=cast("float", full["held_out"]),
        slot=slot,
        alpha_s=cast("float", full["alpha_s"]),
        card=cast("dict[str, object]", full["card"]),
        folder=folder,
        directory=Path(written["directory"]) if output is None else output,
        html=written["report"] == "html",
        seed=cast("int", full["seed"]),
        device=cast("str", full["device"]),
        executor=chosen_executor(chosen, (), workers, registry),
    )


def _slot(value: object, where: str, registry: Registry) -> Slot:
    given = Slot.parse(cast("str | Mapping[str, object]", value))
    options = registry.options(INTERFACE, given, f"{where}: surrogate")
    able = registry.get(INTERFACE, given.use).component.capabilities
    if not (able.trainable or able.stateful):
        message = f"{where}: surrogate: {given.use!r} neither learns nor has a state to be saved"
        raise ConfigurationError(message)
    return Slot(given.use, options)


def _run(full: Mapping[str, object], where: str, registry: Registry) -> RunConfig:
    """The part that is as in a run file."""
    if "process" not in full:
        message = f"{where}: process: needed where points are drawn or read from events"
        raise ConfigurationError(message)
    part = {key: full[key] for key in SHARED if key in full}
    return resolve({**part, "generate": None}, where, registry)


def _files(value: object, folder: Path) -> tuple[Path, ...]:
    names = [value] if isinstance(value, str) else cast("list[str]", value)
    return tuple(folder / name for name in names)
