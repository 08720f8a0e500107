"""Leading-order evolution of the Les Houches toy densities, solved exactly in Mellin space.

The input of hep-ph/0204316 is a sum of terms A xᵃ(1-x)ᵇ, whose moments are Beta functions, and at
leading order the evolution of a moment is a power of α_s; only the inverse Mellin transform is
numerical. Variable flavour number: four flavours from Q = √2 GeV (the charm threshold), five from
4.5 GeV; no top quark.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, loggamma

Q_START, Q_BOTTOM, ALPHA_START = math.sqrt(2.0), 4.5, 0.35
C_F, C_A, T_R = 4.0 / 3.0, 3.0, 0.5
FLAVOURS = (-5, -4, -3, -2, -1, 21, 1, 2, 3, 4, 5)
Complex = NDArray[np.complex128]


def beta_0(flavours: int) -> float:
    """b0 of dα/dlog Q² = -b0 α²."""
    return (33 - 2 * flavours) / (12 * math.pi)


def alpha_s(q: float) -> float:
    """One-loop coupling at Q (GeV), continuous at the bottom threshold."""
    start, alpha = Q_START, ALPHA_START
    if q > Q_BOTTOM:
        alpha /= 1.0 + beta_0(4) * alpha * 2.0 * math.log(Q_BOTTOM / start)
        start = Q_BOTTOM
    flavours = 5 if q > Q_BOTTOM else 4
    return alpha / (1.0 + beta_0(flavours) * alpha * 2.0 * math.log(q / start))


def _power_moment(n: Complex, norm: float, a: float, b: float) -> Complex:
    """Moment ∫ dx xⁿ⁻¹ f of the density with x f = norm xᵃ(1-x)ᵇ."""
    return norm * np.exp(loggamma(n + a - 1.0) + math.lgamma(b + 1.0) - loggamma(n + a + b))


@dataclass(frozen=True)
class Moments:
    """Moments of the independent densities, each (...,) complex."""

    gluon: Complex
    up_valence: Complex
    down_valence: Complex
    plus: tuple[Complex, ...]
    """q + q̄ of d, u, s, c, b."""

    @classmethod
    def toy(cls, n: Complex) -> "Moments":
        """The input at Q_START (hep-ph/0204316, eq. 8)."""
        up, down = _power_moment(n, 5.1072, 0.8, 3.0), _power_moment(n, 3.06432, 0.8, 4.0)
        d_bar = _power_moment(n, 0.1939875, -0.1, 6.0)
        u_bar = _power_moment(n, 0.1939875, -0.1, 7.0)
        none = np.zeros_like(n)
        plus = (down + 2 * d_bar, up + 2 * u_bar, 0.4 * (d_bar + u_bar), none, none)
        return cls(_power_moment(n, 1.7, -0.1, 5.0), up, down, plus)

    def evolve(self, n: Complex, flavours: int, ratio: float) -> "Moments":
        """Solves the evolution with a fixed number of flavours to α_s(Q)/α_s(Q0) = ratio."""
        harmonic = digamma(n + 1.0) + np.euler_gamma
        quark = C_F * (1.5 + 1.0 / (n * (n + 1.0)) - 2.0 * harmonic)
        shared = n * n + n + 2.0
        from_gluon = 2.0 * flavours * T_R * shared / (n * (n + 1.0) * (n + 2.0))
        to_gluon = C_F * shared / ((n - 1.0) * n * (n + 1.0))
        poles = 1.0 / (n * (n - 1.0)) + 1.0 / ((n + 1.0) * (n + 2.0))
        gluon = 2.0 * C_A * (poles - harmonic) + (11.0 * C_A - 4.0 * flavours * T_R) / 6.0

        power = -math.log(ratio) / (2.0 * math.pi * beta_0(flavours))
        non_singlet = np.exp(power * quark)
        mean, root = (
            0.5 * (quark + gluon),
            np.sqrt(0.25 * (quark - gluon) ** 2 + from_gluon * to_gluon),
        )
        upper, lower = np.exp(power * (mean + root)), np.exp(power * (mean - root))
        even, odd = 0.5 * (upper + lower), 0.5 * (upper - lower) / root
        singlet = sum(self.plus[:flavours], np.zeros_like(n))
        singlet_out = even * singlet + odd * ((quark - mean) * singlet + from_gluon * self.gluon)
        gluon_out = even * self.gluon + odd * ((gluon - mean) * self.gluon + to_gluon * singlet)
        plus = tuple(
            non_singlet * (one - singlet / flavours) + singlet_out / flavours
            if number < flavours
            else one
            for number, one in enumerate(self.plus)
        )
        return Moments(
            gluon_out, non_singlet * self.up_valence, non_singlet * self.down_valence, plus
        )

    def by_flavour(self) -> Complex:
        """Moments in the order of FLAVOURS, (..., 11)."""
        down, up, strange, charm, bottom = self.plus
        anti = (
            0.5 * bottom,
            0.5 * charm,
            0.5 * strange,
            0.5 * (up - self.up_valence),
            0.5 * (down - self.down_valence),
        )
        quarks = (
            0.5 * (down + self.down_valence),
            0.5 * (up + self.up_valence),
            0.5 * strange,
            0.5 * charm,
            0.5 * bottom,
        )
        return np.stack([*anti, self.gluon, *quarks], axis=-1)


def moments(n: Complex, q: float) -> Complex:
    """Moments of all flavours at Q (GeV), (..., 11)."""
    values = Moments.toy(n)
    first = min(q, Q_BOTTOM)
    values = values.evolve(n, 4, alpha_s(first) / ALPHA_START)
    if q > Q_BOTTOM:
        values = values.evolve(n, 5, alpha_s(q) / alpha_s(Q_BOTTOM))
    return values.by_flavour()


def xf(x: NDArray[np.float64], q: float, segments: int = 40) -> NDArray[np.float64]:
    """x·f at Q (GeV) by the inverse Mellin transform, (k,) -> (k, 11).

    The contour starts near the saddle point of the integrand, so that no digits cancel at large x,
    and is bent to the left, where x⁻ᴺ falls exponentially. Its singularities lie at N <= 1.1.

    Args:
        x: Momentum fractions, below 1.
        q: Scale (GeV).
        segments: Number of 16-point Gauss-Legendre segments.
    """
    nodes, weights = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(0.0, 1.0, segments + 1) ** 2
    half = 0.5 * np.diff(edges)
    unit = (edges[:-1, None] + half[:, None] * (nodes + 1.0)).ravel()
    unit_weights = (half[:, None] * weights).ravel()

    log_x = -np.log(x)[:, None]
    start = 1.5 + 4.0 / log_x
    length = 20.0 + 60.0 / log_x
    direction = np.exp(0.75j * math.pi)
    n = start + length * unit * direction
    integrand = np.exp((n - 1.0) * log_x)[..., None] * moments(n, q) * direction
    return np.einsum("kz,kzf->kf", length * unit_weights, integrand.imag) / math.pi
