"""Spectra, Δ, and the Δ that statistics alone explain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
TOYS = 300
EDGES: dict[str, Floats] = {
    "m": np.linspace(0, 70, 26),
    "mult": np.linspace(0, 75, 26),
    "width": np.linspace(0, 0.25, 26),
    "tau21": np.linspace(0, 1.2, 25),
    "lnrho": np.linspace(-14, -2, 25),
    "zg": np.concatenate([[0.0], np.linspace(0.1, 0.5, 17)]),
    "pt": np.concatenate([np.linspace(100, 400, 21), [500.0, 700.0, 1000.0]]),
    "eta": np.linspace(-2.1, 2.1, 22),
}
"""Bins of each observable of Z+jet."""


def spectrum(values: Floats, edges: Floats, weight: Floats | None = None) -> Floats:
    """Contents of bins, what is outside in the outer ones."""
    inside = np.clip(values, edges[0], np.nextafter(edges[-1], edges[0]))
    return np.histogram(inside, edges, weights=weight)[0].astype(float)


def delta(a: Floats, b: Floats) -> float:
    """½ Σ (p - q)²/(p + q) · 10³ of two normalised spectra."""
    p, q = a / a.sum(), b / b.sum()
    full = p + q > 0
    return float(500.0 * np.sum((p - q)[full] ** 2 / (p + q)[full]))


def limit(sample: tuple[Floats, Floats], other_weight: Floats, edges: Floats, seed: int) -> float:
    """Mean + 2 standard deviations of Δ between two samples of one spectrum.

    Args:
        sample: values and weights `(n,)`; its spectrum is the one both toys have.
        other_weight: weights of the other sample's events, `(l,)`.
        edges: of the bins.
        seed: of the toys.
    """
    rng = np.random.default_rng(seed)
    values, weight = sample
    expected = spectrum(values, edges, weight)
    # What one event counts where weights differ: their mean square over their mean.
    one = float((other_weight**2).sum() / other_weight.sum())
    events = expected / expected.sum() * other_weight.sum() / one
    toys = [
        delta(
            spectrum(values, edges, weight * rng.poisson(1.0, len(weight))),
            rng.poisson(events).astype(float),
        )
        for _ in range(TOYS)
    ]
    return float(np.mean(toys) + 2 * np.std(toys))
