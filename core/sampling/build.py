"""Builds a run's sampler from data that can travel: the resolved run file and model directories."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, cast

import torch

from crosshook.core import random
from crosshook.core.config import from_document
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.model import read_document
from crosshook.core.process.cube import CubeFunction, CubeProcess
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.process.self_test import check_amplitudes
from crosshook.core.process.surrogate_amplitudes import SurrogateAmplitudes
from crosshook.core.registry import default_registry
from crosshook.core.sampling.composition import Composition
from crosshook.core.sampling.sampler import Sampler
from crosshook.core.surrogates.models import surrogate_context

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.core.component import Slot
    from crosshook.core.config import RunConfig
    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.integrand import Integrand
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.interfaces.process import Process
    from crosshook.core.interfaces.unweighter import Unweighter
    from crosshook.core.progress import Progress
    from crosshook.core.registry import Registry

MAPPING, WEIGHTS, UNWEIGHTER = "channel_mapping", "channel_weights", "unweighter"
WARM = "warm_start"
SURROGATE = "amplitude_surrogate"


@dataclass(frozen=True)
class SamplerSpec:
    """What a worker needs to build the sampler of a run.

    Attributes:
        document: the resolved run file as JSON.
        models: trained components, as (name, directory, checksum of the model).
        composition: how they make a proposal, as JSON; empty for the mapping alone.
    """

    document: str
    models: tuple[tuple[str, str, str], ...] = ()
    composition: str = ""

    @classmethod
    def of(
        cls,
        config: RunConfig,
        models: dict[str, Path],
        composition: Composition | None = None,
    ) -> SamplerSpec:
        """The specification of a configuration with trained models."""
        found = (
            (name, str(path), str(read_document(path)["sha256"])) for name, path in models.items()
        )
        return cls(
            json.dumps(config.document, sort_keys=True),
            tuple(sorted(found)),
            "" if composition is None else json.dumps(composition.as_json(), sort_keys=True),
        )

    def folder(self, interface: str) -> str | None:
        """Directory of the trained component, or None."""
        return next((path for name, path, _ in self.models if name == interface), None)

    def config(self) -> RunConfig:
        """The configuration."""
        return from_document(json.loads(self.document))

    def sampler(self) -> Sampler:
        """The sampler, built once per process."""
        return _sampler(self)

    def unweighter(self) -> Unweighter:
        """The fitted unweighter, built once per process."""
        return _unweighter(self)

    def surrogate(self) -> MatrixElement | None:
        """Amplitudes of the trained surrogate, built once per process; None without one."""
        return _surrogate(self)


@lru_cache(maxsize=4)
def _sampler(spec: SamplerSpec) -> Sampler:
    config = spec.config()
    registry = default_registry(config.disable)
    folders = {name: path for name, path, _ in spec.models}
    composition = Composition()
    if spec.composition:
        composition = Composition.from_json(json.loads(spec.composition))
    process = build_process(config, registry)
    return build_sampler(config, process, registry, folders, composition)


@lru_cache(maxsize=4)
def _unweighter(spec: SamplerSpec) -> Unweighter:
    config = spec.config()
    context = build_context(config, spec.sampler().integrand, None)
    slot = _with_model(config.unweighter, spec.folder(UNWEIGHTER))
    registry = default_registry(config.disable)
    return cast("Unweighter", registry.build("unweighter", slot, context))


@lru_cache(maxsize=4)
def _surrogate(spec: SamplerSpec) -> MatrixElement | None:
    config, process = spec.config(), spec.sampler().integrand
    if config.surrogate is None:
        return None
    assert isinstance(process, ScatteringProcess)
    slot = _with_model(config.surrogate, spec.folder(SURROGATE))
    registry = default_registry(config.disable)
    context = surrogate_context(len(process.assignments[0].pdg), device=config.device)
    built = registry.build(SURROGATE, slot, context)
    return SurrogateAmplitudes(cast("AmplitudeSurrogate", built), process.matrix_element)


def _with_model(slot: Slot, directory: str | None) -> Slot:
    return slot if directory is None else replace(slot, model=directory)


def check_device(device: str) -> torch.device:
    """The device, if it exists here.

    Raises:
        ConfigurationError: if torch does not know or cannot reach it.
    """
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        message = f"device: {device!r} cannot be used here: {reason}"
        raise ConfigurationError(message) from error
    return chosen


def build_process(config: RunConfig, registry: Registry) -> ScatteringProcess:
    """Composes the scattering process of a run and tests its amplitudes.

    Raises:
        ConfigurationError: if the run file's choices do not fit the process.
        NumericalError: if an amplitude fails its self-test.
    """
    device = check_device(config.device)
    context = BuildContext(device=config.device, registry=registry)
    process = cast("Process", registry.build("process", config.process, context, "process"))
    defaults = process.defaults
    beams = BeamSetup(
        energy=config.energy if config.energy is not None else defaults.energy,
        pdg=config.beams if config.beams is not None else defaults.beams,
        hadronic=defaults.hadronic,
    )
    density = None
    if defaults.hadronic:
        density = cast(
            "PartonDensity", registry.build("parton_density", config.density, context, "beams.pdf")
        )
    scales = {
        "renormalisation": config.scales.get("renormalisation", defaults.renormalisation),
        "factorisation": config.scales.get("factorisation", defaults.factorisation),
    }
    cuts = {**defaults.cuts, **config.cuts}
    if isinstance(process, CubeFunction):
        if config.events and not process.gives_momenta:
            message = (
                f"generate: {process.name} gives values alone, and events need momenta; integrate "
                "only, with generate: null, or say with pdg whose momenta it gives"
            )
            raise ConfigurationError(message)
        return CubeProcess(process, beams, scales, cuts, config.alpha_s, device)
    check_amplitudes(process, device)
    return ScatteringProcess(process, beams, density, scales, cuts, config.alpha_s, device)


def build_context(config: RunConfig, integrand: object, progress: Progress | None) -> BuildContext:
    """The context of the sampling components of a run."""
    assert isinstance(integrand, ScatteringProcess)
    context = BuildContext(
        dimensions=integrand.n_dim - len(integrand.discrete),
        discrete=integrand.discrete,
        channels=len(integrand.channels),
        legs=len(integrand.assignments[0].pdg),
        features=integrand.features,
        device=config.device,
        rng=random.torch_generator(config.seed, "build"),
    )
    return context if progress is None else context.with_(progress=progress)


def build_sampler(
    config: RunConfig,
    process: ScatteringProcess,
    registry: Registry,
    models: dict[str, str],
    composition: Composition | None = None,
    progress: Progress | None = None,
) -> Sampler:
    """Joins a process with its sampling components.

    Args:
        config: the run.
        process: as composed by `build_process`.
        registry: where components come from.
        models: directories of trained components by name; others start untrained.
        composition: how the mapping makes a proposal; of itself alone if None.
        progress: told about trainings.
    """
    weights = registry.get(WEIGHTS, config.channel_weights.use).component
    if weights.capabilities.features:
        process.give_features()
    context = build_context(config, process, progress)
    slots = {MAPPING: config.channel_mapping, WEIGHTS: config.channel_weights}
    chosen = {name: _with_model(slot, models.get(name)) for name, slot in slots.items()}
    composed = composition if composition is not None else Composition()
    built = build_components(chosen, composed, context, registry, models.get(WARM))
    return join(process, built, composed, context)


class Components(NamedTuple):
    """Sampling components as they are built."""

    mapping: ChannelMapping
    weights: ChannelWeights
    warm: ChannelMapping | None


def build_components(
    slots: Mapping[str, Slot],
    composition: Composition,
    context: BuildContext,
    registry: Registry,
    warm_model: str | None = None,
) -> Components:
    """Builds sampling components.

    Args:
        slots: channel mapping and channel weights, by interface.
        composition: how the mapping makes a proposal.
        context: of the task.
        registry: builds the components.
        warm_model: directory of the trained warm start.
    """
    where = "sampling."
    inner = composition.context(context)
    mapping = registry.build(MAPPING, slots[MAPPING], inner, where + MAPPING)
    weights = registry.build(WEIGHTS, slots[WEIGHTS], context, where + WEIGHTS)
    return Components(
        cast("ChannelMapping", mapping),
        cast("ChannelWeights", weights),
        composition.build_warm(context, registry, warm_model),
    )


def join(
    integrand: Integrand, built: Components, composition: Composition, context: BuildContext
) -> Sampler:
    """Joins any integrand with sampling components."""
    sampler = Sampler(integrand, built.mapping, built.weights, context.torch_device)
    sampler.compose(composition, built.warm, context)
    return sampler
