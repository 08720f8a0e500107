"""The run file of `crosshook unfold`, with flags: checked before anything heavy is imported."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError
from crosshook.core.options import validate
from crosshook.core.registry import default_registry
from crosshook.core.resolved_document import options_gathered
from crosshook.core.run_document import apply_settings, disabled, read_run_file
from crosshook.core.unfolding.axes import HistogramAxis, read_axes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.registry import Registry

INTERFACE = "unfolder"
FLAGS = "command line"
"""Where messages say a value comes from if there is no run file."""

Columns = tuple[str, ...] | tuple[tuple[str, str], ...] | None
"""Names of columns, or pairs of name and expression; None for all with the prefix."""


@dataclass(frozen=True)
class TruthFile:
    """Truth in files of its own; see `simulation.truth` of the schema.

    Attributes:
        files: events or tables.
        tree: of ROOT files, or None.
        event: column of the reco table with the number of the truth event.
        weight: expression of the truth events' weights, or None.
    """

    files: tuple[Path, ...]
    tree: str | None
    event: str
    weight: str | None


@dataclass(frozen=True)
class LevelColumns:
    """Which columns make a level.

    Attributes:
        prefix: their names begin with it; None for the measured events' own choice.
        columns: which, or None.
    """

    prefix: str
    columns: Columns


@dataclass(frozen=True)
class EventFiles:
    """Events of one kind; see `measured` of the schema.

    Attributes:
        kind: simulation, measured or background: the key in the run file.
        files: tables.
        tree: of ROOT files, or None.
        reco: columns; None: as of the simulation.
        weight: expression, or None.
        pass_reco: flag or condition, or None.
        selection: condition, or None.
        scale: factor of the weights.
    """

    kind: str
    files: tuple[Path, ...]
    tree: str | None
    reco: LevelColumns | None
    weight: str | None
    pass_reco: str | None
    selection: str | None
    scale: float = 1.0


@dataclass(frozen=True)
class SimulationFiles:
    """Simulated events; see `simulation` of the schema.

    Attributes:
        events: files, reco columns, weights.
        truth: truth columns.
        truth_file: where truth is, if in files of its own.
        pass_truth: flag or condition, or None.
    """

    events: EventFiles
    truth: LevelColumns
    truth_file: TruthFile | None
    pass_truth: str | None


@dataclass(frozen=True)
class UnfoldConfig:
    """A run file, resolved.

    Attributes:
        where: name of the run file, for messages.
        document: the whole file with every default, less what its results do not depend on: the
            executor.
        given: the file as given, settings applied.
        registry: of the plugins it uses.
        simulation: where simulated events are.
        measured: where measured events are.
        background: where background events are, or None.
        observables: names that are unfolded, or None for all.
        units: by name.
        slot: the method, its options resolved.
        systematics: name and expression of other weights of the simulation.
        replicas: numbers of resamples and seeds, by key.
        draws: of truth for each measured event, which go to a file.
        shifts: stress tests.
        harm: observables of the do-no-harm test, or None for all.
        axes: of the histograms in the report.
        card: for metadata.yaml.
        directory: where everything goes.
        root: whether a ROOT file is written too.
        html: whether a report is drawn.
        disable: plugins and components left out.
        seed: of all random streams.
        device: where to compute.
        executor: who computes replicas.
    """

    where: str
    document: Mapping[str, object]
    given: Mapping[str, object]
    registry: Registry
    simulation: SimulationFiles
    measured: EventFiles
    background: EventFiles | None
    observables: tuple[str, ...] | None
    units: Mapping[str, str]
    slot: Slot
    systematics: tuple[tuple[str, str], ...]
    replicas: Mapping[str, int]
    draws: int
    shifts: tuple[str, ...]
    harm: tuple[str, ...] | None
    axes: tuple[HistogramAxis, ...]
    card: Mapping[str, object]
    directory: Path
    root: bool
    html: bool
    disable: tuple[str, ...]
    seed: int
    device: str
    executor: Slot


@dataclass(frozen=True)
class Flags:
    """What may be given beside a run file, or instead of one.

    Attributes:
        simulation: file of simulated events.
        measured: file of measured events.
        background: file of background events.
        method: name of the unfolder.
        observables: names to unfold.
        settings: `key=value` pairs.
        output: directory.
        seed: of all random streams.
        workers: processes that compute replicas.
    """

    simulation: Path | None = None
    measured: Path | None = None
    background: Path | None = None
    method: str | None = None
    observables: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    output: Path | None = None
    seed: int | None = None
    workers: int | None = None


def load_unfold_file(path: Path | None, flags: Flags) -> UnfoldConfig:
    """Reads a run file, puts the flags in, and checks what can be checked without reading events.

    Args:
        path: a YAML file, see schemas/v1/unfold.json; None where flags say everything.
        flags: beside it.

    Raises:
        CrosshookError: if it cannot be read or is not allowed.
    """
    given: dict[str, object] = {}
    where, folder = FLAGS, Path()
    if path is not None:
        given, where = read_run_file(path)
        folder = path.parent
    _put_in(given, flags, where)
    return resolve_unfold(given, where, folder, flags.output)


def resolve_unfold(
    given: Mapping[str, object], where: str, folder: Path, output: Path | None = None
) -> UnfoldConfig:
    """The configuration of a run file's content.

    Args:
        given: as read, settings applied.
        where: name of the file, for messages.
        folder: relative paths are taken from.
        output: the directory, instead of the file's.
    """
    disable = disabled(given, where)
    registry = default_registry(disable)
    executor = given.get("executor")
    gathered = dict(given)
    if isinstance(executor, dict) and "use" in executor:
        gathered["executor"] = options_gathered(executor)
    full = validate(schemas.load("v1/unfold"), gathered, f"{where}:")
    slot = Slot.parse(cast("str | Mapping[str, object]", full["unfolder"]))
    slot = Slot(slot.use, registry.options(INTERFACE, slot, f"{where}: unfolder"))
    full["unfolder"] = slot.as_dict()
    chosen = Slot.parse(cast("str | Mapping[str, object]", full.pop("executor")))
    chosen = Slot(chosen.use, registry.options("executor", chosen, f"{where}: executor"))
    background = cast("Mapping[str, object] | None", full["background"])
    names = cast("list[str] | None", full["observables"])
    written = cast("dict[str, object]", full["output"])
    tests = cast("dict[str, list[str] | None]", full["diagnostics"])
    return UnfoldConfig(
        where=where,
        document=full,
        given=given,
        registry=registry,
        simulation=_simulation(cast("Mapping[str, object]", full["simulation"]), folder, where),
        measured=_events("measured", cast("Mapping[str, object]", full["measured"]), folder),
        background=None if background is None else _events("background", background, folder),
        observables=None if names is None else tuple(dict.fromkeys(names)),
        units=cast("dict[str, str]", full["units"]),
        slot=slot,
        systematics=tuple(cast("dict[str, str]", full["systematics"]).items()),
        replicas=cast("dict[str, int]", full["replicas"]),
        draws=_draws(cast("Mapping[str, int]", full["posterior"]), registry, slot, where),
        shifts=tuple(tests["shifts"] or ()),
        harm=None if tests["harm"] is None else tuple(tests["harm"]),
        axes=read_axes(
            cast("Mapping[str, Mapping[str, object]]", full["histograms"]),
            cast("Mapping[str, str]", full["units"]),
            f"{where}: histograms",
        ),
        card=cast("dict[str, object]", full["card"]),
        directory=Path(str(written["directory"])) if output is None else output,
        root="root" in cast("list[str]", written["formats"]),
        html=written["report"] == "html",
        disable=disable,
        seed=cast("int", full["seed"]),
        device=cast("str", full["device"]),
        executor=chosen,
    )


def _draws(part: Mapping[str, int], registry: Registry, slot: Slot, where: str) -> int:
    draws = part["draws"]
    able = registry.get(INTERFACE, slot.use).component.capabilities
    if draws and not able.event_wise:
        known = registry.components(INTERFACE)
        names = [r.component.name for r in known if r.component.capabilities.event_wise]
        message = (
            f"{where}: posterior.draws: {slot.use} has no posterior of single events; unfolders "
            f"that have: {', '.join(names) or 'none'}"
        )
        raise ConfigurationError(message)
    return draws


def _put_in(given: dict[str, object], flags: Flags, where: str) -> None:
    """Sets the keys that flags stand for; files named by flags are as seen from here."""
    for key in ("simulation", "measured", "background"):
        file = getattr(flags, key)
        if file is None:
            if key != "background" and key not in given and where == FLAGS:
                message = f"no {key} events: give --{key} FILE, or a run file"
                raise ConfigurationError(message)
            continue
        part = given.setdefault(key, {})
        if not isinstance(part, dict):
            message = f"{where}: {key}: {part!r} is not a mapping"
            raise ConfigurationError(message)
        part["file"] = str(file.absolute())
    if flags.method is not None:
        named = given.get("unfolder")
        # The same method keeps the options that the run file has for it.
        if not (isinstance(named, dict) and named.get("use") == flags.method):
            given["unfolder"] = {"use": flags.method}
    elif isinstance(given.get("unfolder"), str):
        given["unfolder"] = {"use": given["unfolder"]}
    if flags.observables:
        given["observables"] = list(flags.observables)
    if flags.seed is not None:
        given["seed"] = flags.seed
    if flags.workers is not None:
        named = given.get("executor", "serial")
        slot = options_gathered(named) if isinstance(named, dict) else {"use": named}
        if slot.get("use") == "serial":
            slot = {"use": "processes"}
        options = slot.get("options")
        known = options if isinstance(options, dict) else {}
        given["executor"] = {**slot, "options": {**known, "workers": flags.workers}}
    apply_settings(given, flags.settings)


def _simulation(part: Mapping[str, object], folder: Path, where: str) -> SimulationFiles:
    truth = cast("Mapping[str, object]", part["truth"])
    own = None
    if truth["file"] is not None:
        if truth["columns"] is None:
            message = f"{where}: simulation.truth.columns: needed where truth has files of its own"
            raise ConfigurationError(message)
        if part["selection"] is not None:
            message = (
                f"{where}: simulation.selection: has no meaning where truth has files of its own; "
                "use pass_truth and pass_reco"
            )
            raise ConfigurationError(message)
        own = TruthFile(
            _files(truth["file"], folder),
            cast("str | None", truth["tree"]),
            str(truth["event"]),
            _expression(truth["weight"]),
        )
    events = _events("simulation", part, folder)
    return SimulationFiles(events, _level(truth), own, cast("str | None", part["pass_truth"]))


def _events(kind: str, part: Mapping[str, object], folder: Path) -> EventFiles:
    reco = cast("Mapping[str, object]", part.get("reco") or {})
    chosen = kind == "simulation" or "prefix" in reco or reco.get("columns") is not None
    scale = float(cast("float", part.get("scale", 1.0)))
    if not math.isfinite(scale):
        message = f"{kind}.scale: {scale} is not a finite number"
        raise ConfigurationError(message)
    return EventFiles(
        kind=kind,
        files=_files(part["file"], folder),
        tree=cast("str | None", part.get("tree")),
        reco=_level(reco) if chosen else None,
        weight=_expression(part.get("weight")),
        pass_reco=cast("str | None", part.get("pass_reco")),
        selection=cast("str | None", part.get("selection")),
        scale=scale,
    )


def _expression(value: object) -> str | None:
    return None if value is None else str(value)


def _level(part: Mapping[str, object]) -> LevelColumns:
    columns = part.get("columns")
    chosen: Columns = None
    if isinstance(columns, dict):
        chosen = tuple((str(name), str(text)) for name, text in columns.items())
    elif isinstance(columns, list):
        chosen = tuple(str(name) for name in columns)
    return LevelColumns(str(part.get("prefix", "reco_")), chosen)


def _files(value: object, folder: Path) -> tuple[Path, ...]:
    names: Sequence[str] = [value] if isinstance(value, str) else cast("list[str]", value)
    return tuple(folder / name for name in names)
