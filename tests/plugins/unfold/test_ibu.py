"""Unfolder ibu against exact expectation-maximisation, finite differences and its own sums."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.unfolder import Measured, Simulation
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry
from crosshook.core.unfolding.covariance import uncertainty
from crosshook.core.unfolding.spectra import Binning, mean_and_deviation, spectrum
from crosshook.plugins.unfold.iteration import Response, Spectra, iterate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crosshook.core.interfaces.unfolder import Unfolded, Unfolder

    Floats = NDArray[np.float64]

SEED = 20261122


def unfolder(**options: object) -> Unfolder:
    context = BuildContext()
    return cast("Unfolder", default_registry().build("unfolder", Slot("ibu", options), context))


def unfolded(
    simulation: Simulation,
    measured: Measured,
    background: Measured | None = None,
    **options: object,
) -> Unfolded:
    made = unfolder(**options)
    made.fit(simulation, measured, background, torch_generator(SEED, "unused"))
    return made.unfold()


def columns(*values: torch.Tensor) -> Features:
    names = tuple(f"x{i}" for i in range(len(values)))
    return Features(torch.stack(values, dim=1), names, ("",) * len(values))


def normal(n: int, stage: str) -> torch.Tensor:
    rng = torch_generator(SEED, stage)
    return torch.randn(n, generator=rng, dtype=torch.float64, device="cpu")


def gaussian(n: int = 30_000) -> tuple[Simulation, Measured]:
    """Truth N(0, 1), nature N(0.2, 0.8), smearing 0.5; nothing is lost."""
    truth = normal(n, "truth")
    every = torch.ones(n, dtype=torch.bool)
    simulation = Simulation(
        columns(truth),
        columns(truth + 0.5 * normal(n, "smear")),
        torch.ones(n).double(),
        every,
        every,
    )
    data = 0.2 + 0.8 * normal(n, "nature") + 0.5 * normal(n, "smear nature")
    return simulation, Measured(columns(data), torch.ones(n).double())


def exact_iterations(count: int) -> list[tuple[float, float]]:
    """Mean and standard deviation of exact expectation-maximisation, by quadrature on a grid."""
    z = np.linspace(-5, 5, 801)
    x = np.linspace(-6, 6, 961)

    def density(at: Floats, mean: float, width: float) -> Floats:
        made: Floats = np.exp(-0.5 * ((at - mean) / width) ** 2)
        return made / made.sum()

    kernel = np.exp(-0.5 * ((x[:, None] - z) / 0.5) ** 2)
    kernel = kernel / kernel.sum(axis=0)
    prior, data = density(z, 0, 1), density(x, 0.2, (0.8**2 + 0.5**2) ** 0.5)
    found = []
    for _ in range(count):
        prior = prior * (kernel.T @ (data / np.maximum(kernel @ prior, 1e-300)))
        mean = float((prior * z).sum())
        found.append((mean, float(np.sqrt((prior * (z - mean) ** 2).sum()))))
    return found


def test_iterations_follow_the_exact_ones() -> None:
    """Within 5 standard deviations of the statistics of 30,000 events, 40 bins being fine."""
    simulation, measured = gaussian()
    edges = list(np.linspace(-3, 3, 61))
    result = unfolded(simulation, measured, iterations=5, bins=edges, reco_bins=edges)
    family = result.families["iteration"]
    moments = mean_and_deviation(result.truth.dense[:, 0], family.weights)
    # The error of the mean of data with width 0.94, and of the simulation it is compared with, is
    # 0.94 √2/√30000, larger by up to 1/0.8 where the iterations undo the smearing.
    error = 0.94 * np.sqrt(2 / 30_000) / 0.8
    for found, wanted in zip(moments, exact_iterations(5), strict=True):
        np.testing.assert_allclose(found, wanted, atol=5 * error)
    assert family.labels == ("1", "2", "3", "4", "5")
    torch.testing.assert_close(family.weights[:, -1:], result.families["nominal"].weights)


def response(rng: np.random.Generator, reco: int = 5, truth: int = 4) -> tuple[Floats, Response]:
    """A random response with fakes, dense and as pairs of cells."""
    dense = rng.uniform(0, 0.2, (reco, truth))
    dense[0, truth - 1] = 0.0
    shape = rng.dirichlet(np.ones(reco))
    i, j = np.nonzero(dense)
    made = Response(
        torch.from_numpy(i),
        torch.from_numpy(j),
        torch.from_numpy(dense[i, j]),
        torch.from_numpy(shape),
        torch.from_numpy(dense.sum(axis=0)),
    )
    return dense, made


def test_against_the_formula() -> None:
    """Sparse cells give what the dense formula does."""
    rng = np.random.default_rng(SEED)
    dense, sparse = response(rng)
    data, background = rng.uniform(50, 100, 5), rng.uniform(0, 10, 5)
    content, fakes = rng.uniform(100, 200, 4), 20.0
    spectra = Spectra(
        torch.from_numpy(data), torch.from_numpy(background), torch.from_numpy(content), fakes
    )
    steps = iterate(sparse, spectra, 3, False)
    shape = sparse.fakes.numpy()
    for step in range(3):
        ratio = data / (dense @ content + shape * fakes + background)
        content = content * (dense.T @ ratio) / dense.sum(axis=0)
        fakes = fakes * float(shape @ ratio)
        np.testing.assert_allclose(steps.contents[step], content, rtol=1e-12)
    assert steps.fakes == pytest.approx(fakes, rel=1e-12)
    # Without background a step reproduces the sum of the data.
    clean = replace(spectra, background=torch.zeros(5).double())
    steps = iterate(sparse, clean, 1, False)
    total = float((sparse.efficiency * steps.contents[0]).sum()) + steps.fakes
    assert total == pytest.approx(data.sum(), rel=1e-12)


def test_derivative_against_finite_differences() -> None:
    """∂t/∂D of three steps, the scale of the prior included."""
    rng = np.random.default_rng(SEED)
    dense, sparse = response(rng)
    data, prior = rng.uniform(50, 100, 5), rng.uniform(100, 200, 4)
    background = rng.uniform(0, 10, 5)
    expected = float((dense.sum(axis=0) * prior).sum()) + 20.0

    def contents(measured: Floats, derivative: bool = False) -> object:
        scale = (measured.sum() - background.sum()) / expected
        spectra = Spectra(
            torch.from_numpy(measured),
            torch.from_numpy(background),
            torch.from_numpy(prior * scale),
            20.0 * scale,
        )
        steps = iterate(sparse, spectra, 3, derivative)
        return steps.derivative if derivative else steps.contents[-1].numpy()

    found = cast("torch.Tensor", contents(data, True)).numpy()
    step = 1e-3
    for k in range(5):
        shift = step * np.eye(5)[k]
        up, down = (cast("Floats", contents(data + s)) for s in (shift, -shift))
        np.testing.assert_allclose(found[:, k], (up - down) / (2 * step), rtol=1e-6, atol=1e-8)


def test_covariance_agrees_with_resamples() -> None:
    """Errors of bins by propagation and by 100 Poisson resamples of the data: each variance of a
    resampling has a relative error of √(2/99) = 14 %, their mean over ten bins of about a third.
    """
    simulation, measured = gaussian(5000)
    edges = list(np.linspace(-2, 2, 9))
    options: dict[str, object] = {"iterations": 3, "bins": edges, "reco_bins": edges}
    result = unfolded(simulation, measured, **options, covariance=True)
    binning = Binning("x0", (-5.0, *edges, 5.0))
    values = result.truth.dense[:, 0]
    known = uncertainty(result.families, lambda w: spectrum(values, w, binning))
    assert known.data is not None
    rng = np.random.default_rng(SEED)
    seen = []
    for _ in range(100):
        weight = torch.from_numpy(rng.poisson(1.0, 5000).astype(float))
        again = unfolded(simulation, replace(measured, weight=weight), **options)
        seen.append(spectrum(values, again.families["nominal"].weights[:, 0], binning))
    sampled = np.var(np.stack(seen), axis=0, ddof=1)
    ratio = sampled / np.diagonal(known.data)
    assert np.abs(ratio - 1).max() < 5 * np.sqrt(2 / 99)
    assert abs(ratio.mean() - 1) < 5 * np.sqrt(2 / 99 / 3)


def test_two_dimensions_at_once() -> None:
    """A correlation between truth columns that only the joint distribution of reco tells."""
    n = 20_000
    a, b = normal(n, "a"), normal(n, "b")
    noise = (0.3 * normal(n, "na"), 0.3 * normal(n, "nb"))
    every = torch.ones(n, dtype=torch.bool)
    ones = torch.ones(n).double()
    simulation = Simulation(columns(a, b), columns(a + noise[0], b + noise[1]), ones, every, every)
    c = 0.6 * a + 0.8 * b
    data = columns(a + noise[0].flip(0), c + noise[1].flip(0))
    result = unfolded(simulation, Measured(data, ones), iterations=8)
    weight = result.families["nominal"].weights[:, 0]
    found = float((weight * a * b).sum() / weight.sum())
    # Cells of a width of 0.4 and eight steps take the correlation near 0.6; the prior has none.
    assert 0.5 < found < 0.65
    assert float(weight.sum()) == pytest.approx(n, rel=1e-6)


def test_masks_and_normalisation() -> None:
    """Efficiency and fakes are corrected for: the sum is that of the truth, whatever the
    simulation's own weights are.
    """
    n = 20_000
    truth = normal(n, "truth")
    chance = torch.rand(n, generator=torch_generator(SEED, "chance"), dtype=torch.float64)
    seen, real = chance < 0.6, torch.arange(n) % 10 > 0
    kept = seen | real
    reco = truth + 0.3 * normal(n, "smear")
    weight = torch.full((n,), 7.0).double()
    simulation = Simulation(
        columns(truth[kept]), columns(reco[kept]), weight[kept], real[kept], seen[kept]
    )
    measured = Measured(columns(reco[seen]), torch.ones(int(seen.sum())).double())
    result = unfolded(simulation, measured)
    total = float(result.families["nominal"].weights.sum())
    # The data are the simulation: the answer is exact.
    assert total == pytest.approx(float(real.sum()), rel=1e-9)
    torch.testing.assert_close(
        result.families["nominal"].weights[:, 0], torch.ones(int(real.sum())).double()
    )


def test_negative_weights_leave_finite_results() -> None:
    simulation, measured = gaussian(3000)
    signs = torch.where(torch.arange(3000) % 7 == 0, -1.0, 1.0).double()
    background = Measured(columns(normal(600, "bg")), 0.3 * signs[:600])
    result = unfolded(replace(simulation, weight=signs), measured, background)
    weights = result.families["nominal"].weights
    assert bool(weights.isfinite().all())
    wanted = 3000 - float(background.weight.sum())
    assert float(weights.sum()) == pytest.approx(wanted, rel=0.02)


def test_cells_of_negative_weight_are_told() -> None:
    simulation, measured = gaussian(3000)
    truth = simulation.truth.dense[:, 0]
    weight = torch.where(truth > 1.5, -1.0, 1.0).double()
    result = unfolded(replace(simulation, weight=weight), measured, bins=[-1.5, 0.0, 1.5])
    assert any(note.startswith("1 of 4 filled truth cells") for note in result.notes)
    assert not result.families["nominal"].weights[truth > 1.5].any()


def test_refused() -> None:
    simulation, measured = gaussian(100)
    with pytest.raises(ConfigurationError, match="unfold before fit"):
        unfolder().unfold()
    with pytest.raises(ConfigurationError, match=r"no column 'pt'; there are x0"):
        unfolded(simulation, measured, reco_bins={"pt": 3})
    with pytest.raises(InputError, match="above 0"):
        unfolded(simulation, measured, Measured(measured.reco, 2 * measured.weight))
    bare = replace(simulation, truth=Features(torch.zeros(100, 0).double(), ()))
    with pytest.raises(ConfigurationError, match="truth has no columns of numbers"):
        unfolded(bare, measured)
