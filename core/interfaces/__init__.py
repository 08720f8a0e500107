"""The interfaces a component can implement, each with its result types.

`INTERFACES` is the table the registry, the command line and the conformance kit work from. The
conventions of DESIGN (axes, units, signs) are stated in `crosshook.core.conventions`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Interface:
    """One kind of component.

    Attributes:
        name: key in run files and on the command line.
        hook: name of the pluggy hook that offers components of this kind.
        protocol: `module:class` of the protocol that components implement.
        summary: one line for people.
        methods: what every component of this kind must have, for a quick check when it is built.
        api: current version.
        oldest_api: oldest version still accepted.
        shims: for each accepted version before the current one, `module:function` that makes a
            component of the next version out of one of this version; called as
            `function(component, context)`. See `crosshook.core.shim`.
    """

    name: str
    hook: str
    protocol: str
    summary: str
    methods: tuple[str, ...]
    api: int = 1
    oldest_api: int = 1
    shims: Mapping[int, str] = field(default_factory=dict)


def _interface(name: str, protocol: str, summary: str, *methods: str) -> Interface:
    home = f"crosshook.core.interfaces.{protocol}"
    return Interface(name, f"crosshook_{name}", home, summary, methods)


INTERFACES: dict[str, Interface] = {
    interface.name: interface
    for interface in (
        _interface(
            "channel_mapping",
            "channel_mapping:ChannelMapping",
            "maps random numbers to the unit cube of a channel's phase space",
            "forward",
            "inverse",
        ),
        _interface(
            "channel_weights",
            "channel_weights:ChannelWeights",
            "shares the integrand out over the channels",
            "log_weights",
        ),
        _interface(
            "amplitude_surrogate",
            "amplitude_surrogate:AmplitudeSurrogate",
            "predicts |M|² with an error",
            "predict",
        ),
        _interface(
            "unweighter",
            "unweighter:Unweighter",
            "turns weighted points into events of equal weight",
            "fit",
            "maxima",
            "unweight",
        ),
        _interface(
            "unfolder",
            "unfolder:Unfolder",
            "infers truth distributions from measured ones",
            "fit",
            "unfold",
        ),
        _interface(
            "transfer_function",
            "transfer_function:TransferFunction",
            "density of reconstructed objects given the truth",
            "log_prob",
            "sample",
            "log_acceptance",
        ),
        _interface(
            "process",
            "process:Process",
            "a scattering process: amplitudes, phase space and defaults",
            "matrix_element",
            "phase_space",
        ),
        _interface(
            "parton_density",
            "parton_density:PartonDensity",
            "parton densities and the strong coupling that belongs to them",
            "xf",
            "alpha_s",
        ),
        _interface(
            "generator",
            "generator:Generator",
            "drives a program that writes weighted events",
            "check",
            "prepare",
            "batch",
            "reading",
            "explain",
        ),
        _interface(
            "event_format",
            "event_format:EventFormat",
            "reads and writes event files",
            "read",
            "write",
        ),
        _interface(
            "event_reweighter",
            "event_reweighter:EventReweighter",
            "gives events of files further weights",
            "declare",
            "factors",
        ),
        _interface(
            "executor",
            "executor:Executor",
            "runs the tasks of a run, here or elsewhere",
            "prepare",
            "submit",
            "as_completed",
            "cancel",
            "load",
            "close",
        ),
    )
}
