"""Discrete dimensions: every value is found in the bin it was put in, whatever the rounding."""

from __future__ import annotations

import pytest
import torch

from crosshook.core.sampling.discrete import join, locate, place, split

COUNTS = [1, 2, 3, 5, 7, 10, 16, 49, 98, 103, 1000, 4097]
FRACTIONS = [0.0, 2.0**-53, 0.3, 0.5, 1.0 - 2.0**-53, 1.0]


def test_the_edge_of_a_bin_may_round_into_the_one_below() -> None:
    """Why `place` is more than a division."""
    assert int(torch.tensor(1 / 49, dtype=torch.float64) * 49) == 0


@pytest.mark.parametrize("count", COUNTS)
def test_what_is_placed_is_found(count: int) -> None:
    values = torch.arange(count)
    for fraction in FRACTIONS:
        u = place(values, torch.full((count,), fraction, dtype=torch.float64), count)
        assert torch.equal(locate(u, count), values)
        assert float(u.min()) >= 0
        assert float(u.max()) <= 1
        # (i + f)/v has two roundings of half a unit in the last place, the shift a few more.
        exact = (values.double() + fraction) / count
        torch.testing.assert_close(u, exact, rtol=2e-15, atol=0)


@pytest.mark.parametrize("count", COUNTS)
def test_bins_leave_no_number_out(count: int) -> None:
    """The last number of a bin and the first of the next are neighbours; ends are 0 and 1."""
    values = torch.arange(count)
    first = place(values, torch.zeros(count, dtype=torch.float64), count)
    last = place(values, torch.ones(count, dtype=torch.float64), count)
    assert float(first[0]) == 0.0
    assert float(last[-1]) == 1.0
    beyond = torch.nextafter(last[:-1], torch.full_like(last[:-1], 2.0))
    assert torch.equal(locate(beyond, count), values[1:])
    assert bool((first[1:] > last[:-1]).all())


def test_split_and_join() -> None:
    rng = torch.Generator().manual_seed(8)
    discrete = (2, 3, 49)
    u = torch.rand((500, 5), generator=rng, dtype=torch.float64)
    continuous, values = split(u, discrete)
    assert torch.equal(continuous, u[:, :2])
    assert values.dtype == torch.int64
    assert values.amin(dim=0).tolist() == [0, 0, 0]
    assert values.amax(dim=0).tolist() == [1, 2, 48]
    fractions = u[:, 2:] * torch.tensor(discrete).double() - values
    torch.testing.assert_close(
        join(continuous, values, discrete, fractions), u, rtol=0, atol=1e-15
    )
    middle = join(continuous, values, discrete)
    assert torch.equal(split(middle, discrete)[1], values)
    assert float(middle[0, 2]) in (0.25, 0.75)


def test_without_discrete_dimensions() -> None:
    u = torch.rand((4, 2), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    continuous, values = split(u, ())
    assert torch.equal(continuous, u)
    assert values.shape == (4, 0)
    assert torch.equal(join(continuous, values, ()), u)
    assert join(u[:0, :0], torch.zeros((0, 1), dtype=torch.int64), (4,)).shape == (0, 1)


def test_gradients_pass_through() -> None:
    fraction = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64, requires_grad=True)
    place(torch.tensor([1, 48, 3]), fraction, 49).sum().backward()  # type: ignore[no-untyped-call]
    assert fraction.grad is not None
    torch.testing.assert_close(fraction.grad, torch.full((3,), 1 / 49).double())
