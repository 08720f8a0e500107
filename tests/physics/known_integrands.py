"""Twenty integrands on the unit cube whose integrals are known to 1e-12.

Two to fifteen dimensions; cuts and zeros, negative values, narrow peaks off the axes, singularities
and steps. The integral of each is a closed form or a one-dimensional quadrature, never another
Monte Carlo. Six of them are A. Genz' families (1984).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.interfaces.integrand import Evaluation

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor


@dataclass(frozen=True)
class KnownIntegrand:
    """A function of one channel, usable as an `Integrand`.

    Attributes:
        name: what it is.
        n_dim: dimensions d.
        function: `(n, d)` to `(n,)`.
        integral: over the unit cube.
        channels: one.
    """

    name: str
    n_dim: int
    function: Callable[[Tensor], Tensor]
    integral: float
    channels: tuple[str, ...] = ("flat",)

    def evaluate(self, u: Tensor, channel: Tensor) -> Evaluation:
        """See `Integrand.evaluate`."""
        return Evaluation(self.function(u), u.new_zeros((u.shape[0], 1)))


def quadrature(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]], edges: list[float]
) -> float:
    """Gauss-Legendre with 200 nodes in each of the intervals between `edges`."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    total = 0.0
    for low, high in itertools.pairwise(edges):
        half = (high - low) / 2
        total += half * float(np.sum(weights * function((low + high) / 2 + half * nodes)))
    return total


def constant() -> KnownIntegrand:
    """2.5 everywhere: no adaptation may spoil it."""
    return KnownIntegrand("constant", 3, lambda u: torch.full_like(u[:, 0], 2.5), 2.5)


def oscillating() -> KnownIntegrand:
    """Genz' first: cos(2πw + c·u), both signs."""
    c = np.array([1.5, 2.0, 1.0, 0.5, 2.5, 1.2])
    whole = np.exp(2j * math.pi * 0.3) * np.prod((np.exp(1j * c) - 1) / (1j * c))

    def function(u: Tensor) -> Tensor:
        return torch.cos(2 * math.pi * 0.3 + u @ u.new_tensor(c))

    return KnownIntegrand("oscillating", c.size, function, float(whole.real))


def product_peak() -> KnownIntegrand:
    """Genz' second: Π 1/(c⁻² + (u - w)²)."""
    c = np.array([5.0, 8.0, 3.0, 10.0, 6.0])
    w = np.array([0.2, 0.7, 0.5, 0.35, 0.9])
    integral = np.prod(c * (np.arctan(c * (1 - w)) + np.arctan(c * w)))

    def function(u: Tensor) -> Tensor:
        return (1 / (u.new_tensor(c) ** -2 + (u - u.new_tensor(w)) ** 2)).prod(dim=1)

    return KnownIntegrand("product peak", c.size, function, float(integral))


def corner_peak() -> KnownIntegrand:
    """Genz' third: (1 + c·u)^-(d+1), a peak in one corner."""
    c = [3.0, 5.0, 2.0, 4.0]
    d = len(c)
    integral = 0.0
    for subset in range(2**d):
        chosen = [c[i] for i in range(d) if subset >> i & 1]
        integral += (-1) ** len(chosen) / (1 + sum(chosen))
    integral /= math.factorial(d) * math.prod(c)

    def function(u: Tensor) -> Tensor:
        return (1 + u @ u.new_tensor(c)) ** -(d + 1)

    return KnownIntegrand("corner peak", d, function, integral)


def gaussian() -> KnownIntegrand:
    """Genz' fourth: exp(-c²(u - w)²), along the axes, in eight dimensions."""
    c = [5.0, 7.0, 3.0, 9.0, 4.0, 6.0, 8.0, 5.0]
    w = [0.3, 0.6, 0.1, 0.5, 0.8, 0.45, 0.7, 0.2]
    integral = math.prod(
        math.sqrt(math.pi) / (2 * a) * (math.erf(a * (1 - b)) + math.erf(a * b))
        for a, b in zip(c, w, strict=True)
    )

    def function(u: Tensor) -> Tensor:
        return torch.exp(-((u.new_tensor(c) * (u - u.new_tensor(w))) ** 2).sum(dim=1))

    return KnownIntegrand("gaussian", len(c), function, integral)


def kink() -> KnownIntegrand:
    """Genz' fifth: exp(-c|u - w|), continuous but not smooth."""
    c = np.array([4.0, 6.0, 3.0, 5.0, 8.0, 2.0, 7.0])
    w = np.array([0.3, 0.6, 0.5, 0.8, 0.25, 0.4, 0.7])
    integral = np.prod((2 - np.exp(-c * w) - np.exp(-c * (1 - w))) / c)

    def function(u: Tensor) -> Tensor:
        return torch.exp(-((u - u.new_tensor(w)).abs() @ u.new_tensor(c)))

    return KnownIntegrand("kink", c.size, function, float(integral))


def discontinuous() -> KnownIntegrand:
    """Genz' sixth: exp(c·u), zero beyond a cut in two dimensions."""
    c = np.array([2.0, 3.0, 1.0, 2.5, 1.5])
    upper = np.array([0.4, 0.6, 1.0, 1.0, 1.0])
    integral = np.prod((np.exp(c * upper) - 1) / c)

    def function(u: Tensor) -> Tensor:
        return torch.exp(u @ u.new_tensor(c)) * (u < u.new_tensor(upper)).all(dim=1)

    return KnownIntegrand("discontinuous", c.size, function, float(integral))


def rotated_gaussian() -> KnownIntegrand:
    """Widths 0.015 to 0.06 about axes turned against the cube's; eight σ from its faces."""
    d = 4
    turn, _ = np.linalg.qr(np.random.default_rng(20261122).standard_normal((d, d)))
    width = np.array([0.015, 0.03, 0.045, 0.06])
    inverse = turn / width
    integral = (2 * math.pi) ** (d / 2) * math.prod(width.tolist())

    def function(u: Tensor) -> Tensor:
        return torch.exp(-0.5 * ((u - 0.5) @ u.new_tensor(inverse)).square().sum(dim=1))

    return KnownIntegrand("rotated gaussian", d, function, integral)


def ridge() -> KnownIntegrand:
    """exp(-(Σu - 2.7)²/2s²): a narrow sheet across the diagonal."""
    d, centre, s = 6, 2.7, 0.05

    def density(t: NDArray[np.float64]) -> NDArray[np.float64]:
        """Irwin and Hall's density of a sum of uniforms."""
        terms = [
            (-1) ** k * math.comb(d, k) * np.maximum(t - k, 0) ** (d - 1) for k in range(d + 1)
        ]
        return np.sum(terms, axis=0) / math.factorial(d - 1)

    def sheet(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return density(t) * np.exp(-((t - centre) ** 2) / (2 * s * s))

    integral = quadrature(sheet, [2.0, 2.3, 2.6, 2.8, 3.0, 3.3, 3.6])

    def function(u: Tensor) -> Tensor:
        return torch.exp(-((u.sum(dim=1) - centre) ** 2) / (2 * s * s))

    return KnownIntegrand("ridge", d, function, integral)


def shell() -> KnownIntegrand:
    """A Gaussian shell in seven dimensions; what leaves the cube leaves it through 2d caps."""
    d, r0, s = 7, 0.38, 0.02
    area = 2 * math.pi ** (d / 2) / math.gamma(d / 2)

    def band(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return (1 - x**2) ** ((d - 3) / 2)

    whole = quadrature(band, [0.0, 1.0])

    def density(r: NDArray[np.float64]) -> NDArray[np.float64]:
        cosine = np.minimum(0.5 / r, 1.0)
        outside = np.array([quadrature(band, [float(c), 1.0]) for c in cosine]) / whole
        return area * r ** (d - 1) * (1 - d * outside) * np.exp(-((r - r0) ** 2) / (2 * s * s))

    integral = quadrature(density, [0.16, 0.3, 0.4, 0.5, 0.7])

    def function(u: Tensor) -> Tensor:
        return torch.exp(-(((u - 0.5).norm(dim=1) - r0) ** 2) / (2 * s * s))

    return KnownIntegrand("shell", d, function, integral)


def peaks() -> KnownIntegrand:
    """Three Gaussians of different heights and widths, in no line with the axes."""
    d = 5
    height, width = [1.0, 2.0, 0.5], [0.09, 0.08, 0.11]
    centre = [
        [0.3, 0.7, 0.4, 0.6, 0.25],
        [0.7, 0.3, 0.65, 0.2, 0.7],
        [0.5, 0.5, 0.2, 0.8, 0.45],
    ]

    def inside(w: float, c: float) -> float:
        scale = w * math.sqrt(2)
        erf = math.erf((1 - c) / scale) + math.erf(c / scale)
        return w * math.sqrt(math.pi / 2) * erf

    integral = sum(
        h * math.prod(inside(w, x) for x in c)
        for h, w, c in zip(height, width, centre, strict=True)
    )

    def function(u: Tensor) -> Tensor:
        distance = ((u[:, None, :] - u.new_tensor(centre)) ** 2).sum(dim=2)
        return torch.exp(-distance / (2 * u.new_tensor(width) ** 2)) @ u.new_tensor(height)

    return KnownIntegrand("peaks", d, function, integral)


def singular() -> KnownIntegrand:
    """Π u^-0.4: infinite on three faces, with a second moment but no third."""
    return KnownIntegrand("singular", 3, lambda u: (u**-0.4).prod(dim=1), 0.6**-3)


def ball() -> KnownIntegrand:
    """1 inside a ball, 0 on 99 % of the cube."""
    r, centre = 0.2, [0.7, 0.35, 0.55, 0.4]

    def function(u: Tensor) -> Tensor:
        return ((u - u.new_tensor(centre)).norm(dim=1) < r).to(u.dtype)

    return KnownIntegrand("ball", 4, function, math.pi**2 / 2 * r**4)


def orthant() -> KnownIntegrand:
    """r² within a radius of 1 of a corner: a cut no axis is along, 98 % of the cube fail it."""
    d = 8
    volume = math.pi ** (d / 2) / math.gamma(d / 2 + 1) / 2**d

    def function(u: Tensor) -> Tensor:
        squared = u.square().sum(dim=1)
        return squared * (squared < 1)

    return KnownIntegrand("orthant", d, function, volume * d / (d + 2))


def sign_changing() -> KnownIntegrand:
    """Π (3u² - 1/2): as often negative as positive in a small integral."""
    return KnownIntegrand("sign changing", 6, lambda u: (3 * u**2 - 0.5).prod(dim=1), 0.5**6)


def diagonal_resonance() -> KnownIntegrand:
    """A Breit-Wigner in u₀ + u₁, of width 0.005, with a slope in the rest."""
    mass, width = 0.8, 0.005

    def antiderivative(t: float, constant: float, slope: float) -> float:
        """Of (constant + slope·t)/((t - m)² + w²)."""
        angle = math.atan((t - mass) / width) / width
        log = 0.5 * math.log((t - mass) ** 2 + width**2)
        return (constant + slope * mass) * angle + slope * log

    # The density of the sum is t below 1 and 2 - t above.
    line = antiderivative(1, 0, 1) - antiderivative(0, 0, 1)
    line += antiderivative(2, 2, -1) - antiderivative(1, 2, -1)
    integral = line * width * (math.e - 1) / 2

    def function(u: Tensor) -> Tensor:
        t = u[:, 0] + u[:, 1]
        return width / ((t - mass) ** 2 + width**2) * torch.exp(u[:, 2]) * u[:, 3]

    return KnownIntegrand("diagonal resonance", 4, function, integral)


def beta() -> KnownIntegrand:
    """Π 6u(1 - u) in fifteen dimensions."""
    return KnownIntegrand("beta", 15, lambda u: (6 * u * (1 - u)).prod(dim=1), 1.0)


def exponential() -> KnownIntegrand:
    """exp(-c·u) in twelve dimensions."""
    c = np.linspace(0.5, 6.0, 12)
    integral = np.prod((1 - np.exp(-c)) / c)
    return KnownIntegrand(
        "exponential", c.size, lambda u: torch.exp(-(u @ u.new_tensor(c))), float(integral)
    )


def steps() -> KnownIntegrand:
    """⌊4u₀⌋·⌊3u₁⌋ + [u₂ > u₃]: steps along the axes and across them."""

    def function(u: Tensor) -> Tensor:
        across = (u[:, 2] > u[:, 3]).to(u.dtype)
        return torch.floor(4 * u[:, 0]) * torch.floor(3 * u[:, 1]) + across

    return KnownIntegrand("steps", 4, function, 1.5 * 1.0 + 0.5)


def rings() -> KnownIntegrand:
    """A narrow ring, less a broader one about the same centre: two narrow curves, two signs."""

    def around(r0: float, s: float) -> float:
        """∫ 2πr exp(-(r - r0)²/2s²) dr from 0; the cube's faces are 25 s away."""
        scale = s * math.sqrt(2)
        tail = s * s * math.exp(-((r0 / scale) ** 2))
        erf = 1 + math.erf(r0 / scale)
        return 2 * math.pi * (tail + r0 * s * math.sqrt(math.pi / 2) * erf)

    def function(u: Tensor) -> Tensor:
        r = (u - 0.5).norm(dim=1)
        narrow = torch.exp(-((r - 0.3) ** 2) / (2 * 0.008**2))
        return narrow - 0.4 * torch.exp(-((r - 0.15) ** 2) / (2 * 0.014**2))

    integral = around(0.3, 0.008) - 0.4 * around(0.15, 0.014)
    return KnownIntegrand("rings", 2, function, integral)


ALL = {
    known.name: known
    for known in (
        constant(),
        oscillating(),
        product_peak(),
        corner_peak(),
        gaussian(),
        kink(),
        discontinuous(),
        rotated_gaussian(),
        ridge(),
        shell(),
        peaks(),
        singular(),
        ball(),
        orthant(),
        sign_changing(),
        diagonal_resonance(),
        beta(),
        exponential(),
        steps(),
        rings(),
    )
}
"""All twenty by name."""
