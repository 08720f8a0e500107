"""Matrix element: |M|² and what goes with it. The one thing a generator has to supply."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

ColourFlow = tuple[tuple[int, int], ...]
"""(colour, anticolour) line numbers of each leg, 0 for none; incoming legs as in an LHE file."""

HelicityState = tuple[int, ...]
"""Twice the helicity of each leg, ±1 for a gluon as SPINUP has it, in its direction of flight."""


@dataclass(frozen=True)
class Subprocess:
    """One assignment of flavours to the legs.

    Attributes:
        pdg: PDG id of each leg, incoming first.
        amplitude: subprocesses with the same number share one |M|², which is evaluated once.
        process_id: LPRUP of its events; subprocesses may share one.
        label: for people, e.g. `g g > t t~`.
        mirror: also add the subprocess with the beams exchanged.
        mirror_symmetric: |M|² does not change when the two incoming momenta are exchanged.
        colour_flows: the leading-colour flows, in the order of the flow weights.
        qcd_order: power of α_s in |M|².
        qed_order: power of α in |M|².
        mirror_channels: for each channel of the phase space that with the beams exchanged, if |M|²
            comes with weights of the channels; empty otherwise.
        chooses_colour: colour flows are chosen by `ColourChoosing.choose_colour`.
    """

    pdg: tuple[int, ...]
    amplitude: int
    process_id: int
    label: str
    colour_flows: tuple[ColourFlow, ...]
    mirror: bool = False
    mirror_symmetric: bool = False
    qcd_order: int = 0
    qed_order: int = 0
    mirror_channels: tuple[int, ...] = ()
    chooses_colour: bool = False


@dataclass(frozen=True)
class SquaredAmplitude:
    """|M|² of n points.

    Attributes:
        value: averaged over initial, summed over final states, with 1/n! of identical particles,
            in GeV^(8-2m), `(n,)`.
        colour: relative weight of each colour flow, `(n, flows)`, if wanted.
        channels: relative weight of each channel of the phase space, `(n, k)`, if wanted and there
            are such weights, e.g. |M_i|² of the diagrams a channel belongs to.
    """

    value: Tensor
    colour: Tensor | None = None
    channels: Tensor | None = None


@dataclass(frozen=True)
class CheckPoint:
    """A stored amplitude, compared when a process is loaded.

    Attributes:
        subprocess: index of the subprocess.
        momenta: `(m, 4)` in GeV, incoming first.
        alpha_s: strong coupling.
        value: |M|² there.
        tolerance: relative agreement asked for.
        origin: where the number comes from.
        parameters: model parameters the number was computed with, where they differ.
        invariance: relative change allowed under a boost and a rotation; at least rounding.
    """

    subprocess: int
    momenta: tuple[tuple[float, float, float, float], ...]
    alpha_s: float
    value: float
    tolerance: float
    origin: str
    parameters: Mapping[str, float] = field(default_factory=dict)
    invariance: float = 0.0


class MatrixElement(Protocol):
    """Amplitudes of one process.

    Attributes:
        subprocesses: all flavour assignments.
        masses: mass of each leg in GeV, `(m,)`.
        parameters: model parameters by name, e.g. `{"mass_t": 172.5}`, GeV where they have a unit.
        alpha_qed: the electroweak coupling α to write with the events; -1 if none.
    """

    subprocesses: tuple[Subprocess, ...]
    masses: tuple[float, ...]
    parameters: Mapping[str, float]
    alpha_qed: float

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """Evaluates |M|².

        Args:
            momenta: `(n, m, 4)` in GeV, incoming first, in any frame.
            subprocess: index into `subprocesses`.
            alpha_s: strong coupling, `(n,)`.
            theta: model parameters that replace the built-in ones, in the order of
                `parameters`, `(n, c)` or `(1, c)`, or None.
            want: further results: `colour`, `channels`.

        Returns:
            |M|² and what was wanted.
        """
        ...


@runtime_checkable
class ColourChoosing(Protocol):
    """Amplitudes that draw colour flows themselves, as generators do behind a C interface."""

    def choose_colour(
        self, momenta: Tensor, subprocess: int, alpha_s: Tensor, uniform: Tensor
    ) -> Tensor:
        """Draws colour flows in proportion to their leading-colour weights.

        Args:
            momenta: `(n, m, 4)` in GeV, incoming first.
            subprocess: index into `subprocesses`.
            alpha_s: strong coupling, `(n,)`.
            uniform: random numbers in [0, 1), `(n,)`.

        Returns:
            The number of each event's flow, `(n,)` int64.
        """
        ...


@runtime_checkable
class HelicitySampling(Protocol):
    """Amplitudes that give one helicity state a point where others sum over all.

    The state becomes a discrete dimension of the integrand, whose probabilities are learned.

    Attributes:
        helicities: all states that are not 0 everywhere; empty if states are to be summed.
    """

    helicities: tuple[HelicityState, ...]

    def of_helicity(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        helicity: Tensor,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of one state a point, such that the sum over the states is that of `squared`.

        Args:
            momenta: `(n, m, 4)` in GeV, incoming first.
            subprocess: index into `subprocesses`.
            alpha_s: strong coupling, `(n,)`.
            helicity: indices into `helicities`, `(n,)` int64.
            want: as `squared` has it; results are those of the state.
        """
        ...
