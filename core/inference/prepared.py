"""A process made ready for inference: model, detectors, proposal, σ_fid, and integrals of events."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core import random
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.inference.assignments import Assignments
from crosshook.core.inference.cache import checksum
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.cube_model import CubeModel
from crosshook.core.inference.detector import Detector, build_transfer, transfers_of
from crosshook.core.inference.fiducial import FiducialCrossSection, fiducial_cross_section
from crosshook.core.inference.grid import ParameterGrid, make_axis, model_points
from crosshook.core.inference.integrals import (
    EventIntegrals,
    IntegralSettings,
    integrate_events,
)
from crosshook.core.inference.latent_grid import refine_latents
from crosshook.core.inference.model import column_of, theta_of
from crosshook.core.inference.pairs import resampled_pairs
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.proposal_training import (
    ProposalSettings,
    build_mapping,
    train_proposal,
)
from crosshook.core.inference.scattering_model import ScatteringModel
from crosshook.core.interfaces.training import Stateful
from crosshook.core.model import load_model, read_document, save_model
from crosshook.core.process.cube import CubeProcess
from crosshook.core.sampling.build import build_process
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.inference.cache import Cache
    from crosshook.core.inference.config import InferenceConfig, ProcessConfig
    from crosshook.core.inference.integral_tasks import Workers
    from crosshook.core.inference.model import ParametricModel
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.features import Features
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.progress import Progress

MAPPING = "channel_mapping"
CONDITIONS = "conditions.json"
SIMULATED = "data.simulate.parameters"
"""Key of the run file with the true values."""


def build_model(process: ProcessConfig, config: InferenceConfig) -> ParametricModel:
    """The model of a process of the run file.

    Raises:
        ConfigurationError: if it has no parameters, or cannot be such a model.
    """
    built = build_process(process.run, config.registry)
    if isinstance(built, CubeProcess):
        return CubeModel(built.function, config.seed)
    ranges = {axis.name: (axis.low, axis.high) for axis in config.axes}
    periods = {axis.name: axis.period for axis in config.axes if axis.period is not None}
    return ScatteringModel(built, process.truth, ranges, periods, process.channel, config.seed)


def parameter_grid(
    models: Mapping[str, ParametricModel], config: InferenceConfig
) -> ParameterGrid:
    """The grid of all parameters, closed where a model says a parameter is periodic."""
    periods = {
        parameter.name: parameter.period
        for model in models.values()
        for parameter in model.parameters
    }
    return ParameterGrid(
        tuple(
            make_axis(
                axis.name,
                axis.low,
                axis.high,
                axis.points,
                axis.period if axis.period is not None else periods.get(axis.name),
                nuisance=axis.nuisance,
                constraint=axis.constraint,
                where=f"parameters.{axis.name}",
            )
            for axis in config.axes
        )
    )


@dataclass(frozen=True)
class PreparedProcess:
    """A process of the run file, ready.

    Attributes:
        settings: as the run file has it.
        model: dσ/du(θ).
        detectors: one, or an ensemble, as they were judged.
        simulator: plays the detector.
        theta: its parameter points, `(t, p)`.
        index: which of them each point of the grid has.
        fiducial: σ_fid there.
        proposal: where points are drawn.
        key: checksum of all that integrals depend on besides events and number of points.
    """

    settings: ProcessConfig
    model: ParametricModel
    detectors: tuple[Detector, ...]
    simulator: TransferFunction
    theta: Tensor
    index: Tensor
    fiducial: FiducialCrossSection
    proposal: EventProposal
    key: str

    @property
    def transfers(self) -> tuple[TransferFunction, ...]:
        """Transfer functions of the detectors."""
        return tuple(detector.function for detector in self.detectors)

    def integrals(
        self,
        reco: Features,
        settings: IntegralSettings,
        cache: Cache,
        progress: Progress,
        *,
        keep: bool,
        stage: str,
        workers: Workers | None = None,
    ) -> EventIntegrals:
        """The integrals of events, computed here or by workers, or found."""
        key = checksum(self.key, reco, vars(replace(settings, threads=1)), [keep, stage])
        found = cache.tensors(key)
        if found is not None:
            return EventIntegrals.from_tensors(found)
        if workers is not None and len(reco):
            made = workers.integrate(
                self.settings.name,
                self.model.tally,
                key,
                reco,
                settings,
                progress,
                keep=keep,
                stage=stage,
            )
        else:
            made = integrate_events(
                self.model,
                self.transfers,
                self.proposal,
                reco,
                self.theta,
                settings,
                progress,
                keep=keep,
                stage=stage,
            )
        cache.keep(key, made.tensors())
        return made


def prepare(
    process: ProcessConfig,
    grid: ParameterGrid,
    config: InferenceConfig,
    cache: Cache,
    progress: Progress,
) -> PreparedProcess:
    """Builds, loads and trains all that a process needs.

    Args:
        process: of the run file.
        grid: of all parameters.
        config: of the run.
        cache: where trained components are kept.
        progress: told how far it is.
    """
    model = build_model(process, config)
    known = [parameter.name for parameter in model.parameters]
    own, index = grid.of(known)
    theta = model_points(model, own, config.fixed)
    simulator = None
    if process.simulator is not None:
        simulator = build_transfer(process.simulator, config)
    integrated = config.method == "mem"
    detectors: tuple[Detector, ...]
    if integrated or simulator is None or process.simulator is None:
        detectors = transfers_of(process, model, simulator, theta, config, cache, progress)
    else:
        detectors = (Detector(simulator, process.simulator.use, None),)
    transfers = [detector.function for detector in detectors]
    player = simulator if simulator is not None else transfers[0]
    rng = random.torch_generator(config.seed, f"fiducial/{process.name}")
    fiducial = fiducial_cross_section(model, transfers, theta, rng)
    key = checksum(
        dict(process.run.document),
        process.truth,
        process.channel,
        [_told(process, transfer.slot) for transfer in process.transfers],
        [[t.events, t.networks] for t in process.transfers],
        config.proposal.as_dict() if config.proposal is not None else None,
        vars(config.training),
        config.seed,
        theta,
    )
    proposal = EventProposal(None, None)
    if integrated:
        proposal = _proposal(
            process.name, model, transfers[0], theta, key, config, cache, progress
        )
    return PreparedProcess(
        process, model, detectors, player, theta, index, fiducial, proposal, key
    )


def _told(process: ProcessConfig, slot: Slot) -> dict[str, object]:
    simulator = None if process.simulator is None else process.simulator.as_dict()
    return {**slot.as_dict(), "simulator": simulator}


def _proposal(
    name: str,
    model: ParametricModel,
    transfer: TransferFunction,
    theta: Tensor,
    key: str,
    config: InferenceConfig,
    cache: Cache,
    progress: Progress,
) -> EventProposal:
    if config.proposal is None:
        return EventProposal(None, None)
    training = config.training
    rng = random.torch_generator(config.seed, f"proposal/{name}")
    anchors = None
    if training.anchors:
        places = torch.linspace(0, len(theta) - 1, min(training.anchors, len(theta)), device="cpu")
        anchors = theta[places.round().long()]
    context = BuildContext(rng=rng, registry=config.registry)
    directory = cache.model(f"proposal-{key}")
    if cache.has_model(f"proposal-{key}"):
        values = json.loads((directory / CONDITIONS).read_text("utf-8"))
        conditions = Conditions.from_json(values)
        mapping = _load_mapping(directory, context, config)
        assignments = Assignments.of(conditions, training.assignments, rng)
        if assignments is not None:
            kept = cache.tensors(f"assignments-{key}")
            assert kept is not None
            assignments.load_state(kept)
    else:
        pairs = resampled_pairs(model, transfer, theta, training.events, rng, progress)
        told = pairs.theta if anchors is not None else None
        conditions = Conditions.of(pairs.reco, model.parameters, told)
        mapping = build_mapping(config.proposal, conditions.size, model, context, config.registry)
        settings = ProposalSettings(
            training.events,
            training.passes,
            training.batch,
            training.learning_rate,
            training.anchors,
        )
        assignments = Assignments.of(conditions, training.assignments, rng)
        train_proposal(mapping, conditions, pairs, settings, rng, progress, assignments)
        if assignments is not None:
            cache.keep(f"assignments-{key}", assignments.state())
        _save_mapping(mapping, conditions, directory, model, context, config)
    plain = EventProposal(mapping, conditions, None, anchors, assignments)
    if not training.vegas:
        return plain
    # a stream of its own: the grid is the same whether the mapping was trained or found
    own = context.with_(rng=random.torch_generator(config.seed, f"latent grid/{name}"))
    return refine_latents(plain, model, transfer, theta, training.vegas, own)


def _save_mapping(
    mapping: ChannelMapping,
    conditions: Conditions,
    directory: Path,
    model: ParametricModel,
    context: BuildContext,
    config: InferenceConfig,
) -> None:
    assert config.proposal is not None
    assert isinstance(mapping, Stateful)
    shape = context.with_(dimensions=model.n_dim, condition_size=conditions.size)
    write_whole(directory / CONDITIONS, json.dumps(conditions.as_json(), default=list))
    save_model(mapping, directory, MAPPING, config.proposal, shape)


def _load_mapping(
    directory: Path, context: BuildContext, config: InferenceConfig
) -> ChannelMapping:
    shape = cast("dict[str, object]", read_document(directory)["context"])
    same = {key: tuple(v) if isinstance(v, list) else v for key, v in shape.items()}
    return cast("ChannelMapping", load_model(directory, context.with_(**same), config.registry))


def check_axes(models: dict[str, ParametricModel], config: InferenceConfig) -> None:
    """Refuses parameters that no process has, and values it does not have them with.

    Raises:
        ConfigurationError: naming what there is.
    """
    parameters = [p for model in models.values() for p in model.parameters]
    name = " and ".join(model.name for model in models.values())
    rates = {process.rate for process in config.processes}
    for axis in config.axes:
        if axis.name not in rates:
            column_of(parameters, axis.name, f"parameters.{axis.name}", name)
    for key in config.fixed:
        column_of(parameters, key, f"fixed.{key}", name)
        if any(axis.name == key for axis in config.axes):
            message = f"fixed.{key}: is among the parameters too"
            raise ConfigurationError(message)
    for key in config.simulate_at:
        if key not in rates:
            column_of(parameters, key, f"{SIMULATED}.{key}", name)
    for model in models.values():
        known = {parameter.name for parameter in model.parameters}
        for given, where in ((config.fixed, "fixed"), (config.simulate_at, SIMULATED)):
            theta_of(model, {key: v for key, v in given.items() if key in known}, where)
