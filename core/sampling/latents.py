"""Latents: where the random numbers of a block come from.

`random`: independent and uniform.
`sobol`: a Sobol net with linear matrix scramble and digital shift (Matoušek, J. Complexity 14
    (1998) 527; direction numbers of Joe and Kuo), an independent one for each channel of each
    block.
`stratified`: the unit cube in equal boxes, a point in each, as in VEGAS+ (2009.05112) but with the
    same number of points everywhere; points left over go to boxes drawn without replacement.

Every point by itself is uniform, so means are unbiased. Points of one net are not independent:
an error follows from the spread of blocks only, never from the points within one. See
`crosshook.core.sampling.replicas`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch

from crosshook.core.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

Latents = Literal["random", "sobol", "stratified"]
LATENTS: tuple[Latents, ...] = get_args(Latents)

BELOW_ONE = 1.0 - 2.0**-53
"""The largest float64 below 1."""


def check_latents(latents: str, dimensions: int, where: str) -> None:
    """Refuses latents that are not known or cannot be had in so many dimensions.

    Args:
        latents: as given.
        dimensions: of the unit cube.
        where: who asked, e.g. `integrate.latents`.

    Raises:
        ConfigurationError: with what is allowed.
    """
    if latents not in LATENTS:
        message = f"{where}: {latents!r} is not one of {', '.join(LATENTS)}"
        raise ConfigurationError(message)
    limit = torch.quasirandom.SobolEngine.MAXDIM
    if latents == "sobol" and dimensions > limit:
        message = f"{where}: sobol has at most {limit} dimensions, {dimensions} are needed"
        raise ConfigurationError(message)


def nets(
    latents: Latents, channel: Tensor, channels: int, dimensions: int, rng: np.random.Generator
) -> Tensor:
    """Numbers of one block: each channel's points are a net of their own.

    Args:
        latents: `sobol` or `stratified`.
        channel: of each point, `(n,)` int64 on the CPU.
        channels: how many there are.
        dimensions: d.
        rng: the block's stream.

    Returns:
        Points in [0, 1), `(n, d)` float64 on the CPU.
    """
    points = torch.empty((channel.shape[0], dimensions), dtype=torch.float64, device="cpu")
    for c in range(channels):
        rows = torch.nonzero(channel == c)[:, 0]
        if rows.numel() and dimensions:
            draw = sobol if latents == "sobol" else stratified
            points[rows] = draw(int(rows.numel()), dimensions, rng)
    return points


def sobol(n: int, dimensions: int, rng: np.random.Generator) -> Tensor:
    """The first n points of a newly scrambled Sobol sequence, `(n, d)`.

    The net has 30 binary digits; those below are random, so that no point can come twice and
    every real number can be met.
    """
    seed = int(rng.integers(2**63))
    engine = torch.quasirandom.SobolEngine(  # type: ignore[no-untyped-call]
        dimensions, scramble=True, seed=seed
    )
    below = torch.from_numpy(rng.random((n, dimensions))) * 2.0**-engine.MAXBIT
    return torch.clamp(engine.draw(n, dtype=torch.float64) + below, max=BELOW_ONE)


def stratified(n: int, dimensions: int, rng: np.random.Generator) -> Tensor:
    """One point in each of ∏ m_j boxes, the rest in boxes drawn without replacement, `(n, d)`."""
    counts = strata(n, dimensions)
    boxes = math.prod(counts)
    rest = rng.permutation(boxes)[: n - boxes]
    box = np.unravel_index(np.concatenate([np.arange(boxes), rest]), counts)
    points = (np.stack(box, axis=1) + rng.random((n, dimensions))) / np.array(counts)
    return torch.from_numpy(np.minimum(points, BELOW_ONE))


def strata(n: int, dimensions: int) -> tuple[int, ...]:
    """Numbers m_j of intervals in each dimension, as equal as ∏ m_j ≤ n allows; ∏ m_j > n/2."""
    each = max(1, int(n ** (1.0 / dimensions)))
    while (each + 1) ** dimensions <= n:  # the root may be rounded down
        each += 1
    while each > 1 and each**dimensions > n:
        each -= 1
    counts = [each] * dimensions
    for j in range(dimensions):
        if math.prod(counts) // each * (each + 1) > n:
            break
        counts[j] += 1
    return tuple(counts)
