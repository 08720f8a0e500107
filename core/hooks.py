"""The hooks of crosshook, one per interface, and the listeners.

A plugin implements any of them with `@crosshook.hookimpl` and returns records
(`crosshook.Component`). Hooks run once per process; numeric work never goes through them.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crosshook.core.component import Command, Component, hookspec

if TYPE_CHECKING:
    from crosshook.core.interfaces.amplitude_surrogate import AmplitudeSurrogate
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights
    from crosshook.core.interfaces.event_format import EventFormat
    from crosshook.core.interfaces.event_reweighter import EventReweighter
    from crosshook.core.interfaces.executor import Executor
    from crosshook.core.interfaces.generator import Generator
    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.interfaces.process import Process
    from crosshook.core.interfaces.transfer_function import TransferFunction
    from crosshook.core.interfaces.unfolder import Unfolder
    from crosshook.core.interfaces.unweighter import Unweighter


@hookspec
def crosshook_channel_mapping() -> "Iterable[Component[ChannelMapping]]":  # type: ignore[empty-body]
    """Components that map random numbers to the unit cube of a channel."""


@hookspec
def crosshook_channel_weights() -> "Iterable[Component[ChannelWeights]]":  # type: ignore[empty-body]
    """Components that share the integrand out over the channels."""


@hookspec
def crosshook_amplitude_surrogate() -> "Iterable[Component[AmplitudeSurrogate]]":  # type: ignore[empty-body]
    """Components that predict |M|² with an error."""


@hookspec
def crosshook_unweighter() -> "Iterable[Component[Unweighter]]":  # type: ignore[empty-body]
    """Components that turn weighted points into events of equal weight."""


@hookspec
def crosshook_unfolder() -> "Iterable[Component[Unfolder]]":  # type: ignore[empty-body]
    """Components that infer truth distributions from measured ones."""


@hookspec
def crosshook_transfer_function() -> "Iterable[Component[TransferFunction]]":  # type: ignore[empty-body]
    """Components that give the density of reconstructed objects given the truth."""


@hookspec
def crosshook_process() -> "Iterable[Component[Process]]":  # type: ignore[empty-body]
    """Scattering processes: amplitudes, phase space, defaults."""


@hookspec
def crosshook_parton_density() -> "Iterable[Component[PartonDensity]]":  # type: ignore[empty-body]
    """Sources of parton densities."""


@hookspec
def crosshook_generator() -> "Iterable[Component[Generator]]":  # type: ignore[empty-body]
    """Drivers of programs that write weighted events."""


@hookspec
def crosshook_event_format() -> "Iterable[Component[EventFormat]]":  # type: ignore[empty-body]
    """Readers and writers of event files."""


@hookspec
def crosshook_event_reweighter() -> "Iterable[Component[EventReweighter]]":  # type: ignore[empty-body]
    """Components that give events of files further weights."""


@hookspec
def crosshook_executor() -> "Iterable[Component[Executor]]":  # type: ignore[empty-body]
    """Engines that run the tasks of a run."""


@hookspec
def crosshook_command() -> Iterable[Command]:  # type: ignore[empty-body]
    """Commands added to the command line."""


@hookspec
def crosshook_run_started(plan: object) -> None:
    """Called once when a run begins, with its `crosshook.core.run.Plan`. Listeners change nothing."""


@hookspec
def crosshook_stage_finished(stage: str, report: object) -> None:
    """Called after each stage of a run. Listeners change nothing.

    Args:
        stage: `train`, `integrate` or `generate`.
        report: its `TrainingResult`, `IntegrationResult` or `GenerationResult` of
            `crosshook.core.results`.
    """
