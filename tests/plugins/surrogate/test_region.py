"""The region of a training: its own points are inside, others where they should be."""

from __future__ import annotations

import pytest
import torch

from crosshook.plugins.surrogate.region import Region


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_points_of_the_training_are_inside(dtype: torch.dtype) -> None:
    """Also in columns of two values, which tell subprocesses apart, and in one that is constant."""
    rng = torch.Generator().manual_seed(8)
    for share in (0.5, 0.3, 0.07):
        smooth = torch.randn((2000, 3), generator=rng, dtype=torch.float64)
        own = (torch.rand((2000, 1), generator=rng, dtype=torch.float64) < share).double()
        columns = torch.cat([smooth, own, 1 - own, torch.zeros_like(own)], dim=1).to(dtype)
        width = columns.std(dim=0)
        inputs = (columns - columns.mean(dim=0)) / torch.where(width > 0, width, 1)
        region = Region.of(inputs)
        assert (
            region.distance(inputs[:1999]) <= 1
        ).sum() >= 1998  # the farthest one is on the rim
        far = inputs.clone()
        far[:, 0] = inputs[:, 0].max() + 0.01 * (inputs[:, 0].max() - inputs[:, 0].min())
        assert (region.distance(far) > 1).all()
        far = inputs.clone()
        far[:, 5] = 0.01
        assert (region.distance(far) > 1).all()
