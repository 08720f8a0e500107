"""ScatteringProcess: the one place where |M|², phase space, densities, flux, scales and cuts meet.

dσ/dx = (ħc)² · flux · f1 f2 · |M|², summed over flavour assignments; the value of the integrand is
that times |∂x/∂u| of the channel's own map. Channel weights are proposed in proportion to the
channels' densities, α_c ∝ g_c(x), or as the amplitudes propose them, e.g. by their diagrams'
squares, each subprocess with its share of dσ. Where amplitudes sample their helicities, the state is
a discrete dimension after those of phase space, and dσ that of one state times their number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.process.cuts import Cuts
from crosshook.core.process.features import feature_names, point_features
from crosshook.core.process.helicity import sampled_states, squared_of
from crosshook.core.process.luminosity import Luminosity, assignments
from crosshook.core.process.points import BarePoints, Evaluated, Placed, Points
from crosshook.core.process.scales import Scale
from crosshook.core.sampling.discrete import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import MatrixElement, SquaredAmplitude
    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.interfaces.process import BeamSetup, Process
    from crosshook.core.process.luminosity import Assignment


class ScatteringProcess:
    """An integrand composed of a process component and the run's choices.

    Attributes:
        n_dim: dimensions of the unit cube, the discrete ones included.
        discrete: number of values of each discrete dimension, which follow those of phase space.
        helicities: the states of sampled helicities; none where they are summed.
        channels: names of the channels.
        assignments: flavour assignments, in the order of the columns of `Points.parts`.
        process_ids: distinct LPRUP, in the order of the columns of `Evaluation.parts`.
        features: names of the features it gives; none unless asked for.
    """

    def __init__(
        self,
        process: Process,
        beams: BeamSetup,
        density: PartonDensity | None,
        scales: Mapping[str, str | float],
        cuts: Mapping[str, float | str],
        alpha_s: float,
        device: torch.device,
    ) -> None:
        """Composes the process.

        Args:
            process: the component.
            beams: the run's beams.
            density: parton densities, or None for fixed beams.
            scales: `renormalisation` and `factorisation`.
            cuts: named cuts.
            alpha_s: the strong coupling where there are no densities to supply one.
            device: where points live.

        Raises:
            ConfigurationError: if the choices contradict each other or the process.
        """
        self.process = process
        self.beams = beams
        self.density = density
        self.device = device
        self.matrix_element = process.matrix_element()
        narrowing = {name: float(v) for name, v in cuts.items() if name != "where"}
        self.phase_space = process.phase_space(beams, narrowing)
        self.helicities = sampled_states(self.matrix_element)
        self.discrete = (len(self.helicities),) if self.helicities else ()
        self.n_dim = self.phase_space.n_dim + len(self.discrete)
        self.channels = self.phase_space.channels
        subprocesses = self.matrix_element.subprocesses
        self.assignments = assignments(subprocesses)
        if density is None:
            incoming = self.assignments[0].pdg[: self.phase_space.n_incoming]
            _check_beams(beams, incoming)
        self._luminosity = Luminosity(density, beams.pdg, self.assignments)
        self.process_ids = tuple(dict.fromkeys(s.process_id for s in subprocesses))
        self._group = torch.tensor(
            [
                self.process_ids.index(subprocesses[a.subprocess].process_id)
                for a in self.assignments
            ],
            device=device,
        )
        final = subprocesses[0].pdg[self.phase_space.n_incoming :]
        self._mu_r = Scale(scales["renormalisation"], "scales.renormalisation", final)
        self._mu_f = Scale(scales["factorisation"], "scales.factorisation", final)
        self._cuts = Cuts(cuts, final)
        self._alpha_s = alpha_s
        self._proposed = len(self.channels) > 1 and all(s.mirror_channels for s in subprocesses)
        self.features: tuple[str, ...] = ()

    def give_features(self) -> None:
        """From now on evaluations hold features, which channel weights can learn from."""
        legs = len(self.assignments[0].pdg)
        self.features = feature_names(self.phase_space.n_incoming, legs)

    @property
    def final_pdg(self) -> tuple[int, ...]:
        """PDG ids of the final state."""
        return self.assignments[0].pdg[self.phase_space.n_incoming :]

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """The integrand at points of the unit cube; see `Integrand.evaluate`."""
        return self.evaluate_points(u, channel).evaluation

    def evaluate_points(self, u: Tensor, channel: Tensor) -> Evaluated:
        """The integrand, with the momenta that led to it.

        Args:
            u: `(n, d)` in [0, 1].
            channel: `(n,)` int64.
        """
        placed = self.place(u, channel)
        evaluation, points = self.price(placed)
        return Evaluated(_spread(evaluation, placed), placed.rows, points)

    def place(self, u: Tensor, channel: Tensor) -> Placed:
        """All of the integrand that takes no |M|²: momenta, cuts, scales, densities.

        Args:
            u: `(n, d)` in [0, 1].
            channel: `(n,)` int64.
        """
        cube, states = split(u, self.discrete)
        space = self.phase_space.forward(cube, channel)
        final = space.momenta[:, self.phase_space.n_incoming :]
        inside = (space.log_jacobian > -torch.inf) & self._cuts(final)
        # NaN is no cut: it must reach the weight and be counted there.
        inside |= torch.isnan(space.log_jacobian) | torch.isnan(space.momenta).any(2).any(1)
        inside |= torch.isnan(space.x1) | torch.isnan(space.x2)
        rows = torch.nonzero(inside)[:, 0]
        momenta, log_jacobian = space.momenta[rows], space.log_jacobian[rows]
        helicity = states[rows, 0] if self.discrete else None
        points = self.bare_points(momenta, space.x1[rows], space.x2[rows], log_jacobian, helicity)
        return Placed(u.shape[0], rows, points, space.log_densities[rows])

    def price(
        self, placed: Placed, element: MatrixElement | None = None
    ) -> tuple[Evaluation, Points]:
        """The integrand at points inside the cuts.

        Args:
            placed: points with j of them inside.
            element: amplitudes, e.g. of a surrogate; the process's own if None.

        Returns:
            The evaluation of these j points alone, and the points.
        """
        points = self.with_amplitudes(placed.points, element or self.matrix_element)
        grouped = points.parts.new_zeros((len(placed.rows), len(self.process_ids)))
        jacobian = torch.exp(points.log_jacobian)
        grouped = grouped.index_add(1, self._group, points.parts * jacobian[:, None])
        log_prior = proposed_weights(placed.log_densities, points.channels)
        features = None
        if self.features:
            features = point_features(points.momenta, self.phase_space.n_incoming)
        return Evaluation(grouped.sum(dim=1), log_prior, features, grouped), points

    def points(
        self,
        momenta: Tensor,
        x1: Tensor,
        x2: Tensor,
        log_jacobian: Tensor,
        helicity: Tensor | None = None,
    ) -> Points:
        """Scales, coupling and dσ/dx of given momenta; NaN where these are no numbers."""
        bare = self.bare_points(momenta, x1, x2, log_jacobian, helicity)
        return self.with_amplitudes(bare, self.matrix_element)

    def bare_points(
        self,
        momenta: Tensor,
        x1: Tensor,
        x2: Tensor,
        log_jacobian: Tensor,
        helicity: Tensor | None = None,
    ) -> BarePoints:
        """Scales, coupling, flux and densities of given momenta, each `(n, ...)`."""
        final = momenta[:, self.phase_space.n_incoming :]
        mu_r, mu_f = self._mu_r(final), self._mu_f(final)
        usable = torch.stack((x1, x2, mu_r, mu_f)).isfinite().all(0)
        usable = usable & momenta.isfinite().all(2).all(1)
        flux = self._flux(momenta)
        if bool(usable.all()):
            alpha_s, luminosity = self.strong_coupling(mu_r), self._luminosity(x1, x2, mu_f)
        else:
            # Densities refuse NaN with an error: only numbers go to them, and the rest is counted.
            rows = torch.nonzero(usable)[:, 0]
            alpha_s = _at(rows, self.strong_coupling(mu_r[rows]), len(mu_r))
            luminosity = self._luminosity(x1[rows], x2[rows], mu_f[rows])
            if luminosity is not None:
                luminosity = _at(rows, luminosity, len(mu_r))
        return BarePoints(
            momenta, x1, x2, log_jacobian, mu_r, mu_f, alpha_s, flux, luminosity, usable, helicity
        )

    def with_amplitudes(self, bare: BarePoints, element: MatrixElement) -> Points:
        """dσ/dx of points by any amplitudes of this process's legs."""
        if bool(bare.usable.all()):
            parts, channels = self._dsigma(bare, element)
        else:
            rows, n = torch.nonzero(bare.usable)[:, 0], len(bare.mu_r)
            known, given = self._dsigma(bare.select(rows), element)
            parts = _at(rows, known, n)
            channels = None if given is None else _at(rows, given, n)
        return Points(
            bare.momenta,
            bare.x1,
            bare.x2,
            bare.log_jacobian,
            bare.mu_r,
            bare.mu_f,
            bare.alpha_s,
            parts,
            channels,
            bare.helicity,
        )

    def strong_coupling(self, mu: Tensor, member: int | None = None) -> Tensor:
        """α_s at scales in GeV, `(n,)`: that of the densities' member, or the run's constant."""
        if self.density is None:
            return torch.full_like(mu, self._alpha_s)
        return self.density.alpha_s(mu, member)

    def luminosity(
        self, x1: Tensor, x2: Tensor, mu_f: Tensor, member: int | None = None
    ) -> Tensor | None:
        """f1 f2 of every flavour assignment, `(n, a)`, or None for fixed beams."""
        return self._luminosity(x1, x2, mu_f, member)

    def amplitudes(
        self, bare: BarePoints, element: MatrixElement
    ) -> dict[tuple[int, bool], tuple[Tensor, SquaredAmplitude]]:
        """|M|² of every amplitude that assignments need, once each.

        Args:
            bare: points whose momenta are numbers.
            element: the amplitudes.

        Returns:
            By `amplitude_key`: momenta in the order of the legs of its subprocess, and |M|².
        """
        found: dict[tuple[int, bool], tuple[Tensor, SquaredAmplitude]] = {}
        want = ("channels",) if self._proposed else ()
        for assignment in self.assignments:
            key = self.amplitude_key(assignment)
            if key not in found:
                ordered = self.legs_of_subprocess(bare.momenta) if key[1] else bare.momenta
                squared = squared_of(
                    element, ordered, assignment.subprocess, bare.alpha_s, bare.helicity, want
                )
                found[key] = (ordered, squared)
        return found

    def amplitude_key(self, assignment: Assignment) -> tuple[int, bool]:
        """Number of an assignment's amplitude, and whether its incoming legs are exchanged."""
        sub = self.matrix_element.subprocesses[assignment.subprocess]
        return sub.amplitude, assignment.mirrored and not sub.mirror_symmetric

    def _dsigma(self, bare: BarePoints, element: MatrixElement) -> tuple[Tensor, Tensor | None]:
        """dσ/(dx1 dx2 dΦ) of every flavour assignment in pb, `(n, a)`, and `Points.channels`."""
        amplitudes = self.amplitudes(bare, element)
        columns, weights = [], []
        for assignment in self.assignments:
            key = self.amplitude_key(assignment)
            squared = amplitudes[key][1]
            columns.append(squared.value)
            channels = squared.channels
            if channels is not None:
                sub = self.matrix_element.subprocesses[assignment.subprocess]
                weights.append(channels[:, list(sub.mirror_channels)] if key[1] else channels)
        result = torch.stack(columns, dim=1) * bare.flux[:, None]
        result = result if bare.luminosity is None else result * bare.luminosity
        if len(weights) < len(columns):
            return result, None
        shares = [w / w.sum(dim=1, keepdim=True) for w in weights]
        return result, (torch.stack(shares, dim=1) * result.abs()[:, :, None]).sum(dim=1)

    @staticmethod
    def legs_of_subprocess(momenta: Tensor) -> Tensor:
        """Momenta of a mirrored assignment in the order of its subprocess's legs."""
        return torch.cat([momenta[:, 1:2], momenta[:, 0:1], momenta[:, 2:]], dim=1)

    def _flux(self, momenta: Tensor) -> Tensor:
        """(ħc)²/(4 √((p1·p2)² - m1² m2²)) in pb GeV⁴⁻⁴, or 1/(2M) for a decay."""
        if self.phase_space.n_incoming == 1:
            return 0.5 / kinematics.mass(momenta[:, 0])
        one, two = momenta[:, 0], momenta[:, 1]
        product = kinematics.dot(one, two)
        masses = kinematics.mass_squared(one) * kinematics.mass_squared(two)
        return PICOBARN_GEV2 / (4.0 * torch.sqrt(product**2 - masses))


def _at(rows: Tensor, values: Tensor, n: int) -> Tensor:
    """Values of some rows among n, NaN in the others."""
    return values.new_full((n, *values.shape[1:]), torch.nan).index_copy(0, rows, values)


def _spread(inside: Evaluation, placed: Placed) -> Evaluation:
    """The evaluation of a whole batch from that of its points inside the cuts."""
    n, rows = placed.n, placed.rows

    def spread(values: Tensor, elsewhere: float = 0.0) -> Tensor:
        whole = values.new_full((n, *values.shape[1:]), elsewhere)
        return whole.index_copy(0, rows, values)

    assert inside.parts is not None
    parts = spread(inside.parts)
    return Evaluation(
        parts.sum(dim=1),
        spread(inside.log_prior, -math.log(inside.log_prior.shape[1])),
        None if inside.features is None else spread(inside.features),
        parts,
    )


def proposed_weights(log_densities: Tensor, channels: Tensor | None) -> Tensor:
    """Normalised logarithms of the weights proposed for the channels, `(n, k)`.

    Args:
        log_densities: of every channel at every point, `(n, k)`.
        channels: weights the amplitudes propose, `(n, k)`, or None: then they go by the densities,
            as they do where all proposed weights are 0 or one is no number. A channel that cannot
            reach a point has no weight there.
    """
    by_density = log_densities - torch.logsumexp(log_densities, dim=1, keepdim=True)
    if channels is None:
        return by_density
    open_ = (channels > 0) & (log_densities > -torch.inf)
    logs = torch.log(torch.where(open_, channels, torch.ones_like(channels)))
    logs = torch.where(open_, logs, torch.full_like(logs, -torch.inf))
    usable = open_.any(dim=1) & torch.isfinite(channels).all(dim=1)
    # unusable rows stay out of the sum: its gradient would be NaN there
    logs = torch.where(usable[:, None], logs, by_density)
    return logs - torch.logsumexp(logs, dim=1, keepdim=True)


def _check_beams(beams: BeamSetup, incoming: tuple[int, ...]) -> None:
    expected = (*incoming, 0)[:2]
    if beams.pdg != expected:
        does = "collides" if len(incoming) == 2 else "is a decay of"
        message = (
            f"beams.particles: {list(beams.pdg)} without parton densities; "
            f"the process {does} {list(expected)}"
        )
        raise ConfigurationError(message)
