"""The identity mapping and equal channel weights."""

from __future__ import annotations

import math

import torch

from crosshook.core.context import BuildContext
from crosshook.plugins.uniform import mapping, weights

INF = math.inf


def test_mapping_is_the_identity_on_copies() -> None:
    built = mapping.make(BuildContext(dimensions=2))
    r = torch.tensor([[0.0, 0.3], [0.99, 1.0]], dtype=torch.float64)
    channel = torch.zeros(2, dtype=torch.int64)
    for method in (built.forward, built.inverse):
        out, log_det = method(r, channel)
        assert torch.equal(out, r)
        assert out.data_ptr() != r.data_ptr()
        assert log_det.tolist() == [0.0, 0.0]
        assert log_det.dtype == torch.float64


def test_weights_are_equal_among_open_channels() -> None:
    built = weights.make(BuildContext(channels=3))
    prior = torch.tensor(
        [[0.0, -5.0, -9.0], [-INF, -1.0, -7.0], [-INF, -INF, -3.0], [-INF, -INF, -INF]],
        dtype=torch.float64,
    )
    expected = [[1 / 3] * 3, [0, 0.5, 0.5], [0, 0, 1], [0, 0, 0]]
    found = built.log_weights(None, prior)
    torch.testing.assert_close(found.exp(), torch.tensor(expected, dtype=torch.float64))
    assert not found.isnan().any()
    assert built.log_weights(None, prior[:0]).shape == (0, 3)
