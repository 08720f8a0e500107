"""Run files: YAML in, one validated, complete and frozen configuration out.

Nothing heavy is imported until the whole file, the components' options included, is known to be
allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crosshook import schemas
from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError, InputError, RegistryError
from crosshook.core.learning.settings import LearningSettings
from crosshook.core.options import Schema, load_schema, validate
from crosshook.core.run_yaml import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crosshook.core.registry import Registry
    from crosshook.core.sampling.latents import Latents

MAX_BYTES = 1_000_000


@dataclass(frozen=True)
class HistogramSpec:
    """A histogram to fill.

    Attributes:
        name: key in the report.
        observable: an expression.
        bins: number of bins.
        low: lower end of the axis.
        high: upper end of the axis.
        label: axis label.
        unit: unit of the axis.
    """

    name: str
    observable: str
    bins: int
    low: float
    high: float
    label: str = ""
    unit: str = ""


@dataclass(frozen=True)
class RunConfig:
    """A run file, resolved. `document` is the same as plain data, without what its results do not
    depend on: the executor. Outputs and checksums carry this document.

    Attributes follow schemas/v1/run.json; None stands for "the process's own default".
    """

    document: Mapping[str, object]
    disable: tuple[str, ...]
    process: Slot
    energy: float | None
    beams: tuple[int, int] | None
    density: Slot
    scales: Mapping[str, str | float]
    alpha_s: float
    cuts: Mapping[str, float | str]
    channel_mapping: Slot
    channel_weights: Slot
    train_evaluations: int
    training: LearningSettings
    groups: tuple[int, ...] | None
    integrate_evaluations: int
    relative_error: float
    latents: Latents
    histograms: tuple[HistogramSpec, ...]
    events: int
    pilot: int
    unweighter: Slot
    surrogate: Slot | None
    bias: str | None
    max_evaluations: int
    scale_variations: bool
    pdf_variations: bool
    directory: str
    formats: tuple[str | Slot, ...]
    html: bool
    seed: int
    device: str
    block_size: int
    max_invalid_fraction: float
    executor: Slot


SLOTS = {
    "process": "process",
    "generator": "generator",
    "sampling.channel_mapping": "channel_mapping",
    "sampling.channel_weights": "channel_weights",
    "sampling.training.warm_start": "channel_mapping",
    "generate.unweighter": "unweighter",
    "generate.surrogate": "amplitude_surrogate",
    "executor": "executor",
}
"""Where components go in a run file, and of which interface."""

NAMED = ("process", "generator")
"""Slots that may be written `{NAME: {option: value, ...}}`; each is also its interface's name."""

DENSITY = "beams.pdf"
"""Where the parton densities go, by the name of a set or as a slot."""


def read_run_file(path: Path, settings: Iterable[str] = ()) -> tuple[dict[str, object], str]:
    """Reads a run file and applies `key=value` settings.

    Args:
        path: a YAML file.
        settings: e.g. `sampling.evaluations=1000`; values are YAML.

    Returns:
        The document as written, and the name to start messages with.

    Raises:
        InputError: if the file cannot be read.
        ConfigurationError: if it is no mapping, or a setting has no place.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise InputError(message) from error
    if len(data) > MAX_BYTES:
        message = f"{path}: larger than {MAX_BYTES} bytes, which no run file is"
        raise InputError(message)
    document = parse_yaml(data.decode("utf-8", "replace"), str(path))
    if not isinstance(document, dict):
        message = f"{path}: a run file is a mapping of keys, e.g. 'process: pp-ttbar'"
        raise ConfigurationError(message)
    apply_settings(document, settings)
    return document, str(path)


def apply_settings(document: dict[str, object], settings: Iterable[str]) -> None:
    """Replaces keys of a run file's content.

    Args:
        document: as read; changed in place.
        settings: `key=value` pairs, e.g. `sampling.evaluations=1000`; values are YAML.

    Raises:
        ConfigurationError: if a setting is none, or has no place.
    """
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals or not key:
            message = f"--set {setting}: write it as key=value, e.g. seed=7"
            raise ConfigurationError(message)
        _assign(document, key.split("."), parse_yaml(text, f"--set {setting}"), setting)


def _assign(document: dict[str, object], keys: list[str], value: object, setting: str) -> None:
    inner = document
    for i, key in enumerate(keys[:-1]):
        place = ".".join(keys[: i + 1])
        below = inner.get(key)
        if place in (*SLOTS, DENSITY) and (below is None or isinstance(below, str)):
            # A slot that is missing or in its short form grows into its long one.
            name = below if below is not None else _default(keys[: i + 1])
            below = inner[key] = _long_form(place, name)
        elif below is None:
            below = inner[key] = {}
        if not isinstance(below, dict):
            message = f"--set {setting}: {place} is {below!r}, not a mapping"
            raise ConfigurationError(message)
        inner = below
    inner[keys[-1]] = value


def _default(keys: list[str]) -> object:
    """What the schema says a key is if it is left out."""
    rule = schemas.load("v1/run")
    for key in keys:
        rule = cast("dict[str, Schema]", rule["properties"])[key]
    return rule.get("default")


def _long_form(place: str, name: object) -> dict[str, object]:
    """A slot written as a name alone; that of the densities is the name of an LHAPDF set."""
    if name is None:
        return {}
    return {"use": "lhapdf", "options": {"set": name}} if place == DENSITY else {"use": name}


def disabled(document: Mapping[str, object], where: str) -> tuple[str, ...]:
    """The plugins and components a run file leaves out; needed before anything else of it."""
    names = document.get("disable", [])
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        message = f"{where}: disable: {names!r} is not a list of plugins or plugin/component names"
        raise ConfigurationError(message)
    return tuple(names)


def resolve(document: Mapping[str, object], where: str, registry: Registry) -> RunConfig:
    """Validates a run file's content and fills in every default.

    Args:
        document: as read.
        where: name of the file, for messages.
        registry: knows the components and their option schemas.

    Returns:
        The configuration.

    Raises:
        ConfigurationError: if anything in it is not allowed.
        RegistryError: if a component is unknown or unusable.
    """
    full = resolved_document(document, where, registry)
    generate = cast("dict[str, object] | None", full["generate"])
    if generate is not None and generate["keep_weighted"]:
        message = f"{where}: generate.keep_weighted has a meaning with generator only"
        raise ConfigurationError(message)
    try:
        return from_document(full)
    except ConfigurationError as error:
        message = f"{where}: {error}"
        raise ConfigurationError(message) from error


def resolved_document(
    document: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    """A run file's content, validated, with every default; arguments and errors as of `resolve`."""
    full = validate(schemas.load("v1/run"), _spelt_out(document, where, registry), f"{where}:")
    for path, interface in SLOTS.items():
        _resolve_slot(full, path.split("."), interface, where, registry)
    beams = cast("dict[str, object]", full["beams"])
    if isinstance(beams["pdf"], str):
        beams["pdf"] = _long_form(DENSITY, beams["pdf"])
    _resolve_slot(full, DENSITY.split("."), "parton_density", where, registry)
    output = cast("dict[str, list[object]]", full["output"])
    output["formats"] = [
        f
        if isinstance(f, str)
        else _resolved(f, "event_format", f"{where}: output.formats[{i}]", registry)
        for i, f in enumerate(output["formats"])
    ]
    return full


def _spelt_out(
    document: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    """The document with its process, or generator, in the long form.

    `{umami: {...}}` has the options of a component by its name; where what follows the name is no
    mapping, as in `{python: "module:function", dimensions: 5}`, it is the first option that the
    component requires, and the keys beside it are further options. So are those beside `use` of the
    executor.
    """
    full = dict(document)
    for key in NAMED:
        value = document.get(key)
        if isinstance(value, dict) and value and "use" not in value:
            full[key] = _named_slot(key, value, where, registry)
    executor = document.get("executor")
    if isinstance(executor, dict) and "use" in executor:
        full["executor"] = options_gathered(executor)
    return full


def options_gathered(slot: Mapping[str, object]) -> dict[str, object]:
    """A slot whose options may stand beside `use`."""
    beside = {key: value for key, value in slot.items() if key not in ("use", "options")}
    options = slot.get("options")
    if not beside or not (options is None or isinstance(options, dict)):
        return dict(slot)
    return {"use": slot["use"], "options": {**(options or {}), **beside}}


def _named_slot(
    interface: str, value: Mapping[str, object], where: str, registry: Registry
) -> dict[str, object]:
    known = {r.component.name for r in registry.components(interface)}
    # keys may come in any order
    name = next((key for key in value if key.rpartition("/")[2] in known), next(iter(value)))
    given = value[name]
    others = {key: each for key, each in value.items() if key != name}
    further = others.pop("options", None)  # of --set generator.options.KEY=VALUE
    if isinstance(further, dict):
        others |= further
    elif further is not None:
        others["options"] = further
    if isinstance(given, dict):
        options = {**given, **others}
    else:
        try:
            schema = load_schema(registry.get(interface, name).component.schema)
        except RegistryError as error:
            message = f"{where}: {interface}: {error}"
            raise RegistryError(message) from error
        required = cast("list[str]", schema.get("required", []))
        options = {**({required[0]: given} if required else {}), **others}
    return {"use": name, "options": options}


def _resolve_slot(
    document: dict[str, object], keys: list[str], interface: str, where: str, registry: Registry
) -> None:
    inner = document
    for key in keys[:-1]:
        below = inner[key]
        if below is None:
            return
        inner = cast("dict[str, object]", below)
    path = f"{where}: {'.'.join(keys)}"
    if inner.get(keys[-1]) is None:
        return
    inner[keys[-1]] = _resolved(inner[keys[-1]], interface, path, registry)


def _resolved(value: object, interface: str, path: str, registry: Registry) -> dict[str, object]:
    """A slot in its long form with every option of its component."""
    if isinstance(value, dict) and "use" not in value:
        value = _named_by_model(value, interface, path)
    slot = Slot.parse(cast("str | Mapping[str, object]", value))
    try:
        options = registry.options(interface, slot, path)
    except RegistryError as error:
        message = f"{path}: {error}"
        raise RegistryError(message) from error
    return Slot(slot.use, options, slot.model, slot.train).as_dict()


def _named_by_model(value: Mapping[str, object], interface: str, path: str) -> dict[str, object]:
    """A slot without a name, which is that of the model it names."""
    from crosshook.core.model import read_document

    if "model" not in value:
        message = f"{path}: names no component: use, or model, is missing"
        raise ConfigurationError(message)
    document = read_document(Path(str(value["model"])))
    if document["interface"] != interface:
        message = f"{path}.model: a model of {document['interface']}, not of {interface}"
        raise ConfigurationError(message)
    return {"use": document["component"], **value}


def from_document(full: Mapping[str, object]) -> RunConfig:
    """The configuration of a resolved document, as `resolved.json` keeps it."""

    def part(name: str) -> dict[str, object]:
        return cast("dict[str, object]", full.get(name) or {})

    def slot(value: object) -> Slot:
        return Slot.parse(cast("Schema", value))

    beams, sampling, output = part("beams"), part("sampling"), part("output")
    integrate, generate, variations = part("integrate"), part("generate"), part("variations")
    particles = cast("list[int] | None", beams.get("particles"))
    histograms = cast("dict[str, dict[str, object]]", integrate["histograms"])
    groups = cast("list[int] | None", sampling["groups"])
    return RunConfig(
        document={key: value for key, value in full.items() if key != "executor"},
        disable=tuple(cast("list[str]", full["disable"])),
        process=slot(full["process"]),
        energy=cast("float | None", beams.get("energy")),
        beams=(particles[0], particles[1]) if particles else None,
        density=slot(beams["pdf"]),
        scales=cast("dict[str, str | float]", full["scales"]),
        alpha_s=cast("float", full["alpha_s"]),
        cuts=cast("dict[str, float | str]", full["cuts"]),
        channel_mapping=slot(sampling["channel_mapping"]),
        channel_weights=slot(sampling["channel_weights"]),
        train_evaluations=cast("int", sampling["evaluations"]),
        training=LearningSettings.parse(cast("Schema", sampling["training"])),
        groups=None if groups is None else tuple(groups),
        integrate_evaluations=cast("int", integrate["evaluations"]),
        relative_error=cast("float", integrate["relative_error"]),
        latents=cast("Latents", integrate.get("latents", "random")),
        histograms=histogram_specs(histograms),
        events=cast("int", generate.get("events", 0)),
        pilot=cast("int", generate.get("pilot", 0)),
        unweighter=slot(generate.get("unweighter", "rejection")),
        surrogate=slot(generate["surrogate"]) if generate.get("surrogate") else None,
        bias=cast("str | None", generate.get("bias")),
        max_evaluations=cast("int", generate.get("max_evaluations", 0)),
        scale_variations=variations["scales"] == "7-point",
        pdf_variations=variations["pdf"] == "all",
        directory=cast("str", output["directory"]),
        formats=tuple(
            f if isinstance(f, str) else slot(f) for f in cast("list[object]", output["formats"])
        ),
        html=output["report"] == "html",
        seed=cast("int", full["seed"]),
        device=cast("str", full["device"]),
        block_size=cast("int", full["block_size"]),
        max_invalid_fraction=cast("float", full["max_invalid_fraction"]),
        executor=slot(full.get("executor", "serial")),
    )


def histogram_specs(histograms: Mapping[str, Mapping[str, object]]) -> tuple[HistogramSpec, ...]:
    """`integrate.histograms` of a resolved document.

    Raises:
        ConfigurationError: if the range of one is empty.
    """
    return tuple(_histogram(name, value) for name, value in histograms.items())


def _histogram(name: str, value: Mapping[str, object]) -> HistogramSpec:
    low, high = cast("list[float]", value["range"])
    if low >= high:
        message = f"integrate.histograms.{name}.range: [{low}, {high}] is empty"
        raise ConfigurationError(message)
    return HistogramSpec(
        name,
        cast("str", value["observable"]),
        cast("int", value["bins"]),
        low,
        high,
        cast("str", value.get("label", "")),
        cast("str", value.get("unit", "")),
    )
