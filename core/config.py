"""The configuration of a run: a resolved run file, typed and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from crosshook.core.component import Slot
from crosshook.core.errors import ConfigurationError
from crosshook.core.learning.settings import LearningSettings
from crosshook.core.resolved_document import resolved_document

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.options import Schema
    from crosshook.core.registry import Registry
    from crosshook.core.sampling.latents import Latents


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
