"""A batched function of the unit cube as a process: dσ/du in pb, with momenta where there are events.

`f(u)` gives values `(n,)`, or, where PDG ids announce it, values and momenta `(n, m, 4)` in GeV. The
function holds everything: flux, densities, Jacobians. Cuts and scales of the run act on its momenta.

A function with parameters is `f(u, theta)` with θ `(t, p)`, and gives values `(n, t)`; a run takes
it at the reference values, inference at any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError, CrosshookError, IntegrandError, brief
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.interfaces.process import PhaseSpacePoint, ProcessDefaults
from crosshook.core.process.cuts import Cuts
from crosshook.core.process.luminosity import Assignment
from crosshook.core.process.points import Evaluated, Points
from crosshook.core.process.scales import Scale
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.sampling.returned import real_tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.inference.model import Parameter
    from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
    from crosshook.core.interfaces.process import BeamSetup, Resonance

CHANNELS = ("cube",)
N_INCOMING = 2


@dataclass
class CubeAmplitudes:
    """What event files need to know of the legs; a function of the cube has no |M|² of momenta.

    Attributes:
        subprocesses: the one there is.
        masses: of its legs in GeV.
        parameters: none.
        alpha_qed: none.
    """

    subprocesses: tuple[Subprocess, ...]
    masses: tuple[float, ...]
    parameters: Mapping[str, float] = field(default_factory=dict)
    alpha_qed: float = -1.0

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """Refuses: what is known is dσ/du, not |M|²."""
        _refuse(self.subprocesses[subprocess].label)


@dataclass(frozen=True)
class CubeTruth:
    """What a detector is told of each point.

    Attributes:
        function: called with all points `(n, d)` at once; gives `(n, f)`.
        names: of the columns.
        units: of the columns; `rad` for angles.
    """

    function: Callable[..., object]
    names: tuple[str, ...]
    units: tuple[str, ...]


@dataclass
class CubeFunction:
    """The process component of a function.

    Attributes:
        function: called with all points `(n, d)` at once.
        n_dim: dimensions d.
        subprocess: for event files; it has the two incoming legs alone if there are no momenta.
        masses: of the legs in GeV.
        name: for people.
        backend: `torch` or `numpy`.
        resonances: intermediate particles to write.
        checkpoints: none.
        channels: the one channel.
        n_incoming: 2.
        parameters: of the function, in the order of the columns of θ; none if it takes u alone.
        truth: what a detector is told of points; their u if None.
        defaults: beams are the incoming legs.
    """

    function: Callable[..., object]
    n_dim: int
    subprocess: Subprocess
    masses: tuple[float, ...]
    name: str
    backend: str = "torch"
    resonances: tuple[Resonance, ...] = ()
    checkpoints: tuple[CheckPoint, ...] = ()
    channels: tuple[str, ...] = CHANNELS
    n_incoming: int = N_INCOMING
    parameters: tuple[Parameter, ...] = ()
    truth: CubeTruth | None = None
    defaults: ProcessDefaults = field(init=False)

    def __post_init__(self) -> None:
        one, two = self.subprocess.pdg[:N_INCOMING]
        scale = "sum_pt" if self.gives_momenta else "1"
        self.defaults = ProcessDefaults((one, two), False, 1000.0, scale, scale)

    @property
    def gives_momenta(self) -> bool:
        """Whether events can be written."""
        return len(self.subprocess.pdg) > N_INCOMING

    def matrix_element(self) -> CubeAmplitudes:
        """The legs."""
        return CubeAmplitudes((self.subprocess,), self.masses)

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> CubeFunction:
        """Itself: the cube is all of phase space."""
        return self

    def forward(self, u: Tensor, channel: Tensor) -> PhaseSpacePoint:
        """Its momenta, in the measure of the cube."""
        _, momenta = self.evaluate(u)
        zero = torch.zeros_like(u[:, 0])
        return PhaseSpacePoint(momenta, zero + 1, zero + 1, zero, zero[:, None])

    def inverse(self, momenta: Tensor, channel: Tensor) -> Tensor:
        """Refuses: nobody knows the way back."""
        _refuse(self.name)

    def evaluate(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """Values `(n,)` in pb and momenta `(n, m, 4)` in GeV; zeros of two legs if it gives none.

        Raises:
            IntegrandError: if it fails, or gives something else.
        """
        if not self.parameters:
            return self._values(u, (), (u.shape[0],))
        reference = [parameter.reference for parameter in self.parameters]
        value, momenta = self.density(u, u.new_tensor([reference]))
        return value[:, 0], momenta

    def density(self, u: Tensor, theta: Tensor) -> tuple[Tensor, Tensor]:
        """Values `(n, t)` in pb at parameter points `(t, p)`, and momenta; errors as above."""
        return self._values(u, (theta,), (u.shape[0], theta.shape[0]))

    def truth_features(self, u: Tensor) -> Tensor:
        """What a detector is told of points `(n, d)`, `(n, f)`; errors as above."""
        if self.truth is None:
            return u
        shape = (u.shape[0], len(self.truth.names))
        found = self._call(self.truth.function, u, ())
        return real_tensor(found, "truth", shape, u, self.backend)

    def _values(
        self, u: Tensor, theta: tuple[Tensor, ...], shape: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        n, legs = u.shape[0], len(self.subprocess.pdg)
        if n == 0:
            return u.new_zeros(shape), u.new_zeros((0, legs, 4))
        found = self._call(self.function, u, theta)
        if not self.gives_momenta:
            value = real_tensor(found, "value", shape, u, self.backend)
            return value, u.new_zeros((n, legs, 4))
        if not (isinstance(found, tuple) and len(found) == 2):
            what = f"a tuple of {len(found)}" if isinstance(found, tuple) else "no tuple"
            message = f"{self.name}: gave {what}; with pdg it gives (value, momenta)"
            raise IntegrandError(message)
        return (
            real_tensor(found[0], "value", shape, u, self.backend),
            real_tensor(found[1], "momenta", (n, legs, 4), u, self.backend),
        )

    def _call(
        self, function: Callable[..., object], u: Tensor, theta: tuple[Tensor, ...]
    ) -> object:
        torches = self.backend == "torch"
        given = [t.clone() if torches else np.array(t.detach().cpu().numpy()) for t in (u, *theta)]
        try:
            return function(*given)
        except CrosshookError:
            raise
        except Exception as error:  # whatever a stranger's function raises
            and_theta = f", theta of shape {tuple(theta[0].shape)}" if theta else ""
            message = (
                f"{self.name}: raised {brief(error)}; it is called with all points at once "
                f"(u of shape {tuple(u.shape)}{and_theta}, {self.backend}) and gives a value for "
                "each"
            )
            raise IntegrandError(message) from error


class CubeProcess(ScatteringProcess):
    """The integrand of a run on a function of the unit cube."""

    def __init__(
        self,
        process: CubeFunction,
        beams: BeamSetup,
        scales: Mapping[str, str | float],
        cuts: Mapping[str, float | str],
        alpha_s: float,
        device: torch.device,
    ) -> None:
        """Composes the process.

        Args:
            process: the component.
            beams: written with the events.
            scales: `renormalisation` and `factorisation`, of the momenta.
            cuts: named cuts on the momenta.
            alpha_s: written with the events.
            device: where points live.

        Raises:
            ConfigurationError: if cuts or scales need momenta that are not there.
        """
        self.process = self.phase_space = process
        self.function = process
        self.beams, self.density, self.device = beams, None, device
        self.matrix_element = process.matrix_element()
        self.n_dim, self.channels = process.n_dim, process.channels
        self.discrete, self.helicities = (), ()
        self.assignments = (Assignment(0, False, process.subprocess.pdg),)
        self.process_ids = (process.subprocess.process_id,)
        self.features = ()
        if cuts and not process.gives_momenta:
            message = f"cuts: {process.name} gives no momenta to cut on; say which with pdg"
            raise ConfigurationError(message)
        final = self.final_pdg
        self._mu_r = Scale(scales["renormalisation"], "scales.renormalisation", final)
        self._mu_f = Scale(scales["factorisation"], "scales.factorisation", final)
        self._cuts = Cuts(cuts, final)
        self._alpha_s = alpha_s

    def give_features(self) -> None:
        """Refuses: there is one channel, and nothing to weigh."""
        message = f"sampling.channel_weights: {self.process.name} has one channel; use prior"
        raise ConfigurationError(message)

    def luminosity(
        self, x1: Tensor, x2: Tensor, mu_f: Tensor, member: int | None = None
    ) -> Tensor | None:
        """None: densities are the function's own."""
        return None

    def evaluate_points(self, u: Tensor, channel: Tensor) -> Evaluated:
        """The function at points `(n, d)` of the cube, 0 where cut."""
        value, momenta = self.function.evaluate(u)
        known = torch.isfinite(momenta).all(2).all(1)
        # Without momenta there is no event: such a value is counted as no number, unless it is 0.
        value = torch.where(known | (value == 0), value, torch.full_like(value, torch.nan))
        inside = torch.where(known, self._cuts(momenta[:, N_INCOMING:]), value != 0)
        value = torch.where(inside, value, torch.zeros_like(value))
        rows = torch.nonzero(inside)[:, 0]
        one = torch.ones_like(value[rows])
        final = momenta[rows, N_INCOMING:]
        points = Points(
            momenta[rows],
            one,
            one,
            torch.zeros_like(one),
            self._mu_r(final),
            self._mu_f(final),
            self._alpha_s * one,
            value[rows, None],
        )
        prior = torch.zeros_like(value)[:, None]
        return Evaluated(Evaluation(value, prior, None, value[:, None]), rows, points)


def _refuse(name: str) -> NoReturn:
    message = f"{name}: a function of the unit cube has no |M|² of momenta, and no inverse"
    raise IntegrandError(message)
