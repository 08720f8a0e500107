"""ScatteringProcess: the one place where |M|², phase space, densities, flux, scales and cuts meet.

dσ/dx = (ħc)² · flux · f1 f2 · |M|², summed over flavour assignments; the value of the integrand is
that times |∂x/∂u| of the channel's own map. Channel weights are proposed in proportion to the
channels' densities, α_c ∝ g_c(x), or as the amplitudes propose them, e.g. by their diagrams'
squares, each subprocess with its share of dσ.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from crosshook.core import kinematics
from crosshook.core.conventions import PICOBARN_GEV2
from crosshook.core.errors import ConfigurationError
from crosshook.core.interfaces.integrand import Evaluation
from crosshook.core.process.cuts import Cuts
from crosshook.core.process.features import feature_names, point_features
from crosshook.core.process.luminosity import Luminosity, assignments
from crosshook.core.process.scales import Scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from crosshook.core.interfaces.matrix_element import SquaredAmplitude
    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.interfaces.process import BeamSetup, Process


@dataclass(frozen=True)
class Points:
    """Points inside phase space and cuts.

    Attributes:
        momenta: `(n, m, 4)` in GeV, lab frame, incoming first.
        x1: momentum fractions of beam 1, `(n,)`.
        x2: likewise of beam 2.
        log_jacobian: log|∂x/∂u| of the channel that made the point, `(n,)`.
        mu_r: renormalisation scales in GeV, `(n,)`.
        mu_f: factorisation scales in GeV, `(n,)`.
        alpha_s: α_s(μ_R), `(n,)`.
        parts: dσ/dx of each flavour assignment in pb, `(n, a)`.
        channels: weights of the channels as the amplitudes propose them, `(n, k)`, or None.
    """

    momenta: Tensor
    x1: Tensor
    x2: Tensor
    log_jacobian: Tensor
    mu_r: Tensor
    mu_f: Tensor
    alpha_s: Tensor
    parts: Tensor
    channels: Tensor | None = None

    def select(self, rows: Tensor) -> Points:
        """The points of these rows."""
        columns = {name: c[rows] for name, c in vars(self).items() if c is not None}
        return replace(self, **columns)


@dataclass(frozen=True)
class Evaluated:
    """A batch of points with what the integrand knows of them.

    Attributes:
        evaluation: as every integrand gives it.
        rows: which points of the batch lie inside phase space and cuts, `(j,)` int64.
        points: those points.
    """

    evaluation: Evaluation
    rows: Tensor
    points: Points


class ScatteringProcess:
    """An integrand composed of a process component and the run's choices.

    Attributes:
        n_dim: dimensions of the unit cube.
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
        self.n_dim = self.phase_space.n_dim
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
        n, k = u.shape[0], len(self.channels)
        space = self.phase_space.forward(u, channel)
        final = space.momenta[:, self.phase_space.n_incoming :]
        inside = (space.log_jacobian > -torch.inf) & self._cuts(final)
        # NaN is no cut: it must reach the weight and be counted there.
        inside |= torch.isnan(space.log_jacobian) | torch.isnan(space.momenta).any(2).any(1)
        inside |= torch.isnan(space.x1) | torch.isnan(space.x2)
        rows = torch.nonzero(inside)[:, 0]
        momenta = space.momenta[rows]
        points = self.points(momenta, space.x1[rows], space.x2[rows], space.log_jacobian[rows])
        jacobian = torch.exp(points.log_jacobian)
        grouped = points.parts.new_zeros((rows.shape[0], len(self.process_ids)))
        grouped = grouped.index_add(1, self._group, points.parts * jacobian[:, None])
        parts = u.new_zeros((n, len(self.process_ids))).index_copy(0, rows, grouped)
        value = parts.sum(dim=1)
        flat = u.new_full((n, k), -math.log(k))
        proposed = proposed_weights(space.log_densities[rows], points.channels)
        log_prior = flat.index_copy(0, rows, proposed)
        features = None
        if self.features:
            inside_features = point_features(momenta, self.phase_space.n_incoming)
            features = u.new_zeros((n, len(self.features))).index_copy(0, rows, inside_features)
        return Evaluated(Evaluation(value, log_prior, features, parts), rows, points)

    def points(self, momenta: Tensor, x1: Tensor, x2: Tensor, log_jacobian: Tensor) -> Points:
        """Scales, coupling and dσ/dx of given momenta; NaN where these are no numbers."""
        final = momenta[:, self.phase_space.n_incoming :]
        mu_r, mu_f = self._mu_r(final), self._mu_f(final)
        fine = torch.stack((x1, x2, mu_r, mu_f)).isfinite().all(0) & momenta.isfinite().all(2).all(
            1
        )
        if bool(fine.all()):
            alpha_s = self.strong_coupling(mu_r)
            parts, channels = self._dsigma(momenta, x1, x2, mu_f, alpha_s)
            return Points(momenta, x1, x2, log_jacobian, mu_r, mu_f, alpha_s, parts, channels)
        # Densities refuse NaN with an error: only numbers go to them, and the rest is counted.
        rows = torch.nonzero(fine)[:, 0]
        coupling = self.strong_coupling(mu_r[rows])
        known, given = self._dsigma(momenta[rows], x1[rows], x2[rows], mu_f[rows], coupling)
        alpha_s = torch.full_like(mu_r, torch.nan).index_copy(0, rows, coupling)
        unknown = known.new_full((mu_r.shape[0], known.shape[1]), torch.nan)
        parts = unknown.index_copy(0, rows, known)
        channels = None
        if given is not None:
            channels = given.new_full((mu_r.shape[0], given.shape[1]), torch.nan)
            channels = channels.index_copy(0, rows, given)
        return Points(momenta, x1, x2, log_jacobian, mu_r, mu_f, alpha_s, parts, channels)

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

    def _dsigma(
        self, momenta: Tensor, x1: Tensor, x2: Tensor, mu_f: Tensor, alpha_s: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        """dσ/(dx1 dx2 dΦ) of every flavour assignment in pb, `(n, a)`, and `Points.channels`."""
        amplitudes: dict[tuple[int, bool], SquaredAmplitude] = {}
        columns, weights = [], []
        for assignment in self.assignments:
            sub = self.matrix_element.subprocesses[assignment.subprocess]
            swapped = assignment.mirrored and not sub.mirror_symmetric
            key = (sub.amplitude, swapped)
            if key not in amplitudes:
                ordered = self.legs_of_subprocess(momenta) if swapped else momenta
                want = ("channels",) if self._proposed else ()
                amplitudes[key] = self.matrix_element.squared(
                    ordered, assignment.subprocess, alpha_s, want=want
                )
            columns.append(amplitudes[key].value)
            channels = amplitudes[key].channels
            if channels is not None:
                weights.append(channels[:, list(sub.mirror_channels)] if swapped else channels)
        result = torch.stack(columns, dim=1) * self._flux(momenta)[:, None]
        luminosity = self._luminosity(x1, x2, mu_f)
        result = result if luminosity is None else result * luminosity
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
