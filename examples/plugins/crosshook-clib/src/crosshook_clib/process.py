"""Process `clib`: e+ e- → γγ, with |M|² from a compiled library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.interfaces.matrix_element import CheckPoint, SquaredAmplitude, Subprocess
from crosshook.core.interfaces.process import ProcessDefaults, Resonance
from crosshook.core.phase_space.angle import BackwardPole, ForwardPole
from crosshook.core.phase_space.fixed_two_body import FixedTwoBody

from crosshook_clib.library import DiphotonLibrary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook import BuildContext
    from crosshook.core.interfaces.matrix_element import MatrixElement
    from crosshook.core.interfaces.process import BeamSetup, PhaseSpace, Process
    from torch import Tensor

NO_COLOUR = ((0, 0),) * 4


class DiphotonAmplitude:
    """|M|² of e+ e- → γγ."""

    def __init__(self, library: DiphotonLibrary, alpha: float) -> None:
        """Keeps the library and the coupling."""
        self._library = library
        only = Subprocess((-11, 11, 22, 22), 0, 1, "e+ e- > a a", (NO_COLOUR,), qed_order=2)
        self.subprocesses: tuple[Subprocess, ...] = (only,)
        self.masses: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0)
        self.parameters: Mapping[str, float] = {"alpha": alpha}
        self.alpha_qed = alpha

    def squared(
        self,
        momenta: Tensor,
        subprocess: int,
        alpha_s: Tensor,
        theta: Tensor | None = None,
        want: Sequence[str] = (),
    ) -> SquaredAmplitude:
        """|M|² of momenta `(n, 4, 4)`, with parameters `theta` in place of its own if given."""
        n = len(momenta)
        alpha = momenta.new_full((n,), self.alpha_qed) if theta is None else theta[:, 0].expand(n)
        value = self._library.squared(momenta, alpha)
        return SquaredAmplitude(value, value.new_ones(n, 1) if "colour" in want else None)


class DiphotonProcess:
    """The process: a channel for each of the two poles."""

    name = "e+ e- > a a"
    defaults = ProcessDefaults(
        (-11, 11),
        hadronic=False,
        energy=91.2,
        renormalisation="m",
        factorisation="m",
        cuts={"eta_max": 2.0},
    )
    resonances: tuple[Resonance, ...] = ()

    def __init__(self, library: DiphotonLibrary, alpha: float) -> None:
        """Makes the amplitude and the point it is compared at before every run."""
        self._amplitude = DiphotonAmplitude(library, alpha)
        # At 90 degrees u/t + t/u = 2. A value of another program would tell more.
        legs = ((3.0, 0, 0, 3.0), (3.0, 0, 0, -3.0), (3.0, 3.0, 0, 0), (3.0, -3.0, 0, 0))
        value = 315.82734083485946 * alpha**2
        origin = "32 π² α² at 90 degrees"
        self.checkpoints: tuple[CheckPoint, ...] = (
            CheckPoint(0, legs, 0.118, value, 1e-12, origin),
        )

    def matrix_element(self) -> MatrixElement:
        """The amplitude."""
        return self._amplitude

    def phase_space(self, beams: BeamSetup, cuts: Mapping[str, float]) -> PhaseSpace:
        """A photon along either beam."""
        maps = (ForwardPole(), BackwardPole())
        return FixedTwoBody(beams.energy, (0.0, 0.0), ("t", "u"), maps)


def make(context: BuildContext, *, library: str, alpha: float) -> Process:
    """Builds the process; options.json has the options."""
    return DiphotonProcess(DiphotonLibrary(library), alpha)
