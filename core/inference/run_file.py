"""The run file of `crosshook infer`, read and checked before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from crosshook import schemas
from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.component import Slot
from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.config import (
    AxisConfig,
    EstimatorSettings,
    InferenceConfig,
    ProcessConfig,
    ToySettings,
    TrainingConfig,
    TransferConfig,
    WeightsFrom,
)
from crosshook.core.model import read_document
from crosshook.core.options import Schema, validate
from crosshook.core.registry import default_registry
from crosshook.core.resolved_document import options_gathered
from crosshook.core.run_document import disabled, read_run_file
from crosshook.core.transfer.directory import model_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.registry import Registry

EXECUTOR = "executor"
TRANSFER = "transfer_function"
SHARED = ("process", "beams", "scales", "alpha_s", "cuts")
"""Keys of a process that mean what they mean in a run file."""
OWN = (*SHARED, "channel", "truth", "transfer", "simulator")
"""Keys of a process."""
ONLY = "process"
"""Name of a process that is alone."""


def load_inference_file(
    path: Path,
    *,
    settings: Sequence[str] = (),
    output: Path | None = None,
    seed: int | None = None,
    workers: int | None = None,
) -> InferenceConfig:
    """Reads a run file and checks all of it that can be checked without computing.

    Args:
        path: a YAML file; see schemas/v1/infer.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the directory, instead of the file's.
        seed: instead of the file's.
        workers: processes that integrate, instead of the file's.

    Raises:
        CrosshookError: if it cannot be read or is not allowed.
    """
    given, where = read_run_file(path, settings)
    if seed is not None:
        given["seed"] = seed
    executor = given.get(EXECUTOR)
    if isinstance(executor, dict) and "use" in executor:
        given[EXECUTOR] = options_gathered(executor)
    return resolve_inference(given, where, path.parent, output=output, workers=workers)


def resolve_inference(
    given: Mapping[str, object],
    where: str,
    folder: Path,
    *,
    output: Path | None = None,
    workers: int | None = None,
) -> InferenceConfig:
    """Checks a run file's content and fills in every default.

    Args:
        given: as read, or the document of a configuration.
        where: name of the file, for messages.
        folder: that relative paths are taken from.
        output: the directory, instead of the file's.
        workers: processes that integrate, instead of the file's.

    Raises:
        CrosshookError: if it is not allowed.
    """
    registry = default_registry(disabled(given, where))
    full = validate(schemas.load("v1/infer"), given, f"{where}:")
    if output is not None:
        cast("dict[str, object]", full["output"])["directory"] = str(output)
    slot = Slot.parse(cast("str | Mapping[str, object]", full.pop(EXECUTOR)))
    executor = chosen_executor(slot, (), workers, registry)
    several = cast("dict[str, dict[str, object]] | None", full["processes"])
    if (several is None) == ("process" not in full):
        message = f"{where}: give one of process and processes"
        raise ConfigurationError(message)
    parts = several if several is not None else {ONLY: _alone(full, where)}
    axes = [
        _axis(name, value, f"{where}: parameters.{name}")
        for name, value in cast("dict[str, object]", full["parameters"]).items()
    ]
    processes = []
    for name, part in parts.items():
        place = where if several is None else f"{where}: processes.{name}"
        rate = part.get("rate", 1.0)
        if isinstance(rate, dict):
            axes.append(_axis(f"rate_{name}", rate, f"{place}.rate"))
            rate = f"rate_{name}"
        processes.append(_process(name, part, cast("float | str", rate), full, place, registry))
    return _config(full, folder, registry, tuple(processes), tuple(axes), where, executor)


def _alone(full: Mapping[str, object], where: str) -> dict[str, object]:
    if "transfer" not in full:
        message = f"{where}: transfer: missing; how does the detector see the process?"
        raise ConfigurationError(message)
    return {key: full[key] for key in OWN if key in full}


def _config(
    full: dict[str, object],
    folder: Path,
    registry: Registry,
    processes: tuple[ProcessConfig, ...],
    axes: tuple[AxisConfig, ...],
    where: str,
    executor: Slot,
) -> InferenceConfig:
    names = [axis.name for axis in axes]
    if len(set(names)) < len(names):
        message = f"{where}: parameters: {', '.join(names)}: a name is there twice"
        raise ConfigurationError(message)
    if all(axis.nuisance for axis in axes):
        message = f"{where}: parameters: all are nuisances; which one is asked for?"
        raise ConfigurationError(message)
    data = cast("dict[str, object]", full["data"])
    if ("files" in data) == ("simulate" in data):
        message = f"{where}: data: give one of files and simulate"
        raise ConfigurationError(message)
    simulate = cast("dict[str, object]", data.get("simulate", {}))
    integral = cast("dict[str, object]", full["integral"])
    points, replicas = cast("int", integral["points"]), cast("int", integral["replicas"])
    if points < 2 * replicas:
        message = (
            f"{where}: integral: {points} points in {replicas} replicas; two in each at least"
        )
        raise ConfigurationError(message)
    proposal = None
    if integral["proposal"] is not None:
        given = Slot.parse(cast("str | Mapping[str, object]", integral["proposal"]))
        if given.model is not None or given.train is not None:
            message = (
                f"{where}: integral.proposal: is trained as integral.training says; "
                "model and train are not for it"
            )
            raise ConfigurationError(message)
        options = registry.options("channel_mapping", given, f"{where}: integral.proposal")
        proposal = Slot(given.use, options)
    intervals = cast("dict[str, object]", full["intervals"])
    toys = intervals["toys"]
    if toys is not None:
        rules = cast("Schema", schemas.load("v1/infer")["properties"])["intervals"]
        rule = cast("dict[str, Schema]", cast("Schema", rules)["properties"])["toys"]
        chosen = cast("list[Schema]", rule["anyOf"])[1]
        toys = validate(chosen, cast("dict[str, object]", toys), f"{where}: intervals.toys")
    written = cast("dict[str, str | None]", full["output"])
    directory = Path(str(written["directory"]))
    cache = written["cache"]
    files = data.get("files", [])
    return InferenceConfig(
        where=where,
        folder=folder,
        document=full,
        registry=registry,
        method=cast("str", full["method"]),
        processes=processes,
        axes=axes,
        fixed=cast("dict[str, float]", full["fixed"]),
        files=tuple(
            folder / name
            for name in ([files] if isinstance(files, str) else cast("list[str]", files))
        ),
        simulate=cast("int | None", simulate.get("events")),
        simulate_at=cast("dict[str, float]", simulate.get("parameters", {})),
        luminosity=cast("float | None", data["luminosity"]),
        points=points,
        replicas=replicas,
        sequence=cast("Literal['sobol', 'random']", integral["sequence"]),
        threads=cast("int", integral["threads"]),
        proposal=proposal,
        training=TrainingConfig(**cast("dict[str, object]", integral["training"])),  # type: ignore[arg-type]
        estimator=_estimator(cast("dict[str, object]", full["estimator"]), folder),
        levels=tuple(cast("list[float]", intervals["levels"])),
        toys=None if toys is None else ToySettings(**cast("dict[str, int]", toys)),
        directory=directory,
        cache=directory / "cache" if cache is None else Path(cache),
        html=written["report"] == "html",
        seed=cast("int", full["seed"]),
        executor=executor,
    )


def _estimator(given: Mapping[str, object], folder: Path) -> EstimatorSettings:
    values = dict(given)
    weighted = cast("dict[str, object] | None", values.pop("weights_from"))
    found = None
    if weighted is not None:
        found = WeightsFrom(
            folder / str(weighted["file"]),
            tuple(cast("list[str]", weighted["weights"])),
            cast("dict[str, str]", weighted.get("truth", {})),
        )
    return EstimatorSettings(**values, weights_from=found)  # type: ignore[arg-type]


def _axis(name: str, given: object, place: str) -> AxisConfig:
    schema = schemas.load("v1/infer")
    rule = {**cast("dict[str, Schema]", schema["$defs"])["parameter"], "$defs": schema["$defs"]}
    value = validate(rule, cast("dict[str, object]", given), place)
    low, high = cast("list[float]", value["range"])
    constraint = cast("dict[str, float] | None", value["constraint"])
    return AxisConfig(
        name,
        float(low),
        float(high),
        cast("int", value["points"]),
        cast("float | None", value["period"]),
        cast("bool", value["nuisance"]),
        None if constraint is None else (constraint["mean"], constraint["deviation"]),
    )


def _process(
    name: str,
    part: Mapping[str, object],
    rate: float | str,
    full: Mapping[str, object],
    place: str,
    registry: Registry,
) -> ProcessConfig:
    shared = {key: part[key] for key in SHARED if key in part}
    of_all = {key: full[key] for key in ("seed", "disable")}
    run = resolve({**shared, **of_all, "generate": None}, place, registry)
    given = part["transfer"]
    slots = given if isinstance(given, list) else [given]
    simulator = part.get("simulator")
    chosen = None
    if simulator is not None:
        playing = _slot(simulator, f"{place}: simulator", registry)
        if playing.events is not None:
            message = (
                f"{place}: simulator: train: there is nothing it could learn from; give its model"
            )
            raise ConfigurationError(message)
        chosen = playing.slot
    transfers = tuple(_slot(slot, f"{place}: transfer", registry) for slot in slots)
    if chosen is None and any(transfer.events is not None for transfer in transfers):
        message = f"{place}: transfer.train: what is simulated to train on? give simulator"
        raise ConfigurationError(message)
    return ProcessConfig(
        name,
        run,
        cast("int", part.get("channel", 0)),
        cast("dict[str, str]", part.get("truth", {})),
        transfers,
        chosen,
        rate,
    )


def _slot(value: object, place: str, registry: Registry) -> TransferConfig:
    """A transfer function with its options, and how it is trained."""
    if isinstance(value, dict) and "model" in value:
        value = {**value, "model": str(model_folder(Path(str(value["model"]))))}
    if isinstance(value, dict) and "use" not in value:
        if "model" not in value:
            message = f"{place}: names no component: use, or model, is missing"
            raise ConfigurationError(message)
        value = {"use": read_document(Path(str(value["model"])))["component"], **value}
    given = Slot.parse(cast("str | Mapping[str, object]", value))
    options = registry.options(TRANSFER, given, place)
    trainable = registry.get(TRANSFER, given.use).component.capabilities.trainable
    train = None if given.train is None else dict(given.train)
    if train is not None:
        rule = cast("Schema", schemas.load("v1/infer")["$defs"])["slot"]
        slot = cast("list[Schema]", cast("Schema", rule)["anyOf"])[1]
        inner = cast("dict[str, Schema]", slot["properties"])["train"]
        train = validate(inner, train, f"{place}.train")
        if not trainable:
            message = f"{place}: {given.use!r} is not trainable"
            raise ConfigurationError(message)
    elif trainable and given.model is None:
        message = f"{place}: {given.use!r} learns; give its model, or train"
        raise ConfigurationError(message)
    events = None if train is None else cast("int", train["events"])
    networks = 1 if train is None else cast("int", train["networks"])
    return TransferConfig(Slot(given.use, options, given.model), events, networks)
