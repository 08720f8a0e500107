"""The configuration of an inference: a resolved run file, typed and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.registry import Registry


@dataclass(frozen=True)
class AxisConfig:
    """A parameter on the grid; see `parameters` of the schema."""

    name: str
    low: float
    high: float
    points: int
    period: float | None
    nuisance: bool
    constraint: tuple[float, float] | None


@dataclass(frozen=True)
class TransferConfig:
    """A transfer function of a process.

    Attributes:
        slot: the component, its options resolved.
        events: to train it with; None if it is trained, or needs no training.
        networks: trained apart.
    """

    slot: Slot
    events: int | None
    networks: int


@dataclass(frozen=True)
class ProcessConfig:
    """One process.

    Attributes:
        name: its key in the run file.
        run: process, beams, scales and cuts.
        channel: of the phase space.
        truth: expressions by name.
        transfers: what the detector does to its events, by several networks maybe.
        simulator: plays the detector; None for the first of `transfers`.
        rate: what its cross section is multiplied with: a number, or the axis of that name.
    """

    name: str
    run: RunConfig
    channel: int
    truth: Mapping[str, str]
    transfers: tuple[TransferConfig, ...]
    simulator: Slot | None
    rate: float | str


@dataclass(frozen=True)
class ToySettings:
    """Pseudo-experiments; see `intervals.toys` of the schema."""

    experiments: int
    values: int
    pool: int


@dataclass(frozen=True)
class TrainingConfig:
    """Training of a proposal; see `integral.training` of the schema."""

    events: int
    passes: float
    batch: int
    learning_rate: float
    anchors: int
    assignments: int
    vegas: int


@dataclass(frozen=True)
class WeightsFrom:
    """A file whose weights are joint ratios; see `estimator.weights_from` of the schema."""

    file: Path
    weights: tuple[str, ...]
    truth: Mapping[str, str]


@dataclass(frozen=True)
class EstimatorSettings:
    """How estimators learn; see `estimator` of the schema."""

    events: int
    epochs: float
    batch: int
    learning_rate: float
    width: int
    layers: int
    networks: int
    score_weight: float
    bins: int
    observable: str | None
    weights_from: WeightsFrom | None = None


@dataclass(frozen=True)
class InferenceConfig:
    """A run file, resolved; attributes follow schemas/v1/infer.json.

    Attributes:
        where: name of the file, for messages.
        folder: that relative paths are taken from.
        document: the whole file with every default, but for the executor.
        registry: of the plugins it uses.
        axes: parameters, and rates that are parameters.
        files: of events; empty if they are simulated.
        simulate: number of events to simulate, or None.
        simulate_at: their true parameters.
        proposal: the channel mapping, or None for uniform points.
        executor: who integrates.
    """

    where: str
    folder: Path
    document: Mapping[str, object]
    registry: Registry
    method: str
    processes: tuple[ProcessConfig, ...]
    axes: tuple[AxisConfig, ...]
    fixed: Mapping[str, float]
    files: tuple[Path, ...]
    simulate: int | None
    simulate_at: Mapping[str, float]
    luminosity: float | None
    points: int
    replicas: int
    sequence: Literal["sobol", "random"]
    threads: int
    proposal: Slot | None
    training: TrainingConfig
    estimator: EstimatorSettings
    levels: tuple[float, ...]
    toys: ToySettings | None
    directory: Path
    cache: Path
    html: bool
    seed: int
    executor: Slot
