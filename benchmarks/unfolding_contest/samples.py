"""The measurements that are unfolded: a Gaussian, Z+jet, and Z+jet against itself."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from unfolding_contest.figures import EDGES, Floats

Flags = NDArray[np.bool_]
COLUMNS = {name: {"width": "w"}.get(name, name) for name in EDGES}
MEAN, WIDTH, SMEARING = 0.2, 0.8, 0.5
SHARE = 0.4
"""Of the simulation, what takes the place of nature in a measurement of itself."""


@dataclass(frozen=True)
class Events:
    """Events with both levels.

    Attributes:
        names: of the columns.
        truth: `(n, f)`.
        reco: `(n, f)`.
        has_truth: `(n,)`.
        has_reco: `(n,)`.
        weight: `(n,)`.
        unseen: columns whose reconstructed values no unfolder gets.
    """

    names: tuple[str, ...]
    truth: Floats
    reco: Floats
    has_truth: Flags
    has_reco: Flags
    weight: Floats
    unseen: tuple[str, ...] = ()

    def rows(self, chosen: Flags) -> Events:
        """Some of the events."""
        levels = (self.truth, self.reco, self.has_truth, self.has_reco, self.weight)
        return Events(self.names, *(level[chosen] for level in levels), self.unseen)

    def columns(self, chosen: list[int]) -> Events:
        """Some of the columns."""
        names = tuple(self.names[i] for i in chosen)
        truth, reco = self.truth[:, chosen], self.reco[:, chosen]
        return replace(self, names=names, truth=truth, reco=reco)

    def weighted(self, weight: Floats) -> Events:
        """The same events with other weights."""
        return replace(self, weight=weight)

    @property
    def true(self) -> tuple[Floats, Floats]:
        """Truth and weights of the events that have it."""
        return self.truth[self.has_truth], self.weight[self.has_truth]

    @property
    def seen(self) -> tuple[Floats, Floats]:
        """Reco and weights of the events that have it."""
        return self.reco[self.has_reco], self.weight[self.has_reco]

    def as_simulation(self) -> Simulation:
        """For an unfolder."""
        masks = (torch.from_numpy(mask.copy()) for mask in (self.has_truth, self.has_reco))
        weight = torch.from_numpy(self.weight)
        return Simulation(
            features(self.truth, self.names), self._reconstructed(self.reco), weight, *masks
        )

    def as_measured(self) -> Measured:
        """Reconstructed events alone."""
        reco, weight = self.seen
        return Measured(self._reconstructed(reco), torch.from_numpy(weight))

    def _reconstructed(self, columns: Floats) -> Features:
        kept = [i for i, name in enumerate(self.names) if name not in self.unseen]
        return features(columns[:, kept], tuple(self.names[i] for i in kept))


def features(columns: Floats, names: tuple[str, ...]) -> Features:
    """Dense columns `(n, f)`."""
    return Features(torch.from_numpy(columns.astype(float)), names, ("",) * len(names))


def gaussian(n: int, seed: int) -> tuple[Events, Events]:
    """Simulation N(0, 1) and nature N(0.2, 0.8), both smeared by 0.5, n events each."""
    rng = np.random.default_rng(seed)
    truth, nature = rng.normal(size=n), rng.normal(MEAN, WIDTH, n)
    samples = []
    for z in (truth, nature):
        x, every = z + SMEARING * rng.normal(size=n), np.ones(n, dtype=bool)
        samples.append(Events(("x",), z[:, None], x[:, None], every, every, np.ones(n)))
    return samples[0], samples[1]


def exact_weights(z: Floats, iterations: int) -> Floats:
    """Weights of the exact expectation maximisation on the Gaussian, `(n, iterations)`."""
    x = np.linspace(-8, 8, 1601)
    dx = x[1] - x[0]

    def normal(x: Floats, mean: float | Floats, sd: float) -> Floats:
        value: Floats = np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))
        return value

    response = normal(x[:, None], x[None, :], SMEARING)
    density = prior = normal(x, 0.0, 1.0)
    measured, columns = normal(x, MEAN, float(np.hypot(WIDTH, SMEARING))), []
    for _ in range(iterations):
        density = density * (response.T @ (measured / (response @ density * dx))) * dx
        columns.append(np.interp(z, x, density / prior))
    return np.stack(columns, axis=1)


def zjet(which: str, share: int) -> Events:
    """The first of `share` parts of the simulation, `sim`, or of `nature`."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        message = "Z+jet: set CROSSHOOK_REFERENCE_DATA, or leave it out with --cases gaussian"
        raise SystemExit(message)
    table = pq.read_table(Path(folder) / "unfolding" / f"zjet_{which}.parquet")
    table = table.slice(0, table.num_rows // share)
    levels = [
        np.stack([table[f"{level}_{c}"].to_numpy() for c in COLUMNS.values()], axis=1)
        for level in ("truth", "reco")
    ]
    masks = (table[f"pass_{level}"].to_numpy() for level in ("truth", "reco"))
    return Events(tuple(EDGES), *(v.astype(float) for v in levels), *masks, np.ones(len(table)))


def split(events: Events, seed: int) -> tuple[Events, Events]:
    """Events at random in two parts, the second with `SHARE` of them."""
    second = np.random.default_rng(seed).random(len(events.weight)) < SHARE
    return events.rows(~second), events.rows(second)
