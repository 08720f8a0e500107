"""Events of a biased run: more of them where b is large, the same cross section everywhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.convert import convert
from crosshook.core.execute import SerialExecutor
from crosshook.core.generate import generate_events
from crosshook.core.inspect import inspect_file
from crosshook.core.more_events import generate
from crosshook.core.process.bias import Bias
from crosshook.core.produce import Frozen
from crosshook.core.progress import Silent
from crosshook.core.report.generation import disagreements
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.build import UNWEIGHTER, SamplerSpec

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.histograms import Histogram
    from tests.physics.conftest import Chance, Finished

pytestmark = pytest.mark.physics

SIGMAS, P_VALUE = 5.0, 1e-5
TAIL = 300.0
"""GeV; beyond it lie 1.0 pb of 1353."""


def _mass(momenta: Any) -> np.ndarray:
    total = momenta[:, -2:].sum(1)
    return torch.sqrt(total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(1)).numpy()


def test_rate_of_the_blocks(high_mass: Finished, tmp_path: Path) -> None:
    """Before any scaling: Σ weights / points is σ, with the events' own error."""
    home = RunDirectory.open(high_mass.directory)
    spec: SamplerSpec = high_mass.spec()
    assert spec.folder(UNWEIGHTER) is not None
    frozen = Frozen.from_json(home.read_json(home.state))
    found = generate_events(
        spec, SerialExecutor(), Silent(), seed=77, events=8000, shares=frozen.shares,
        folder=tmp_path,
    )  # fmt: skip
    parts = [np.load(b.path, allow_pickle=False)["event/weight"] for b in found.blocks]
    weight, n = np.concatenate(parts), found.sums.n
    value = weight.sum() / n
    error = math.sqrt((weight**2).sum() / n - value**2) / math.sqrt(n)
    truth = high_mass.result.integration
    assert abs(value - truth.cross_section) < SIGMAS * math.hypot(error, truth.error)
    assert error < 0.02 * value


@pytest.mark.parametrize("name", ["m", "pt"])
def test_weighted_distributions_are_unbiased(
    high_mass: Finished, chance: Chance, name: str
) -> None:
    """χ² of the events, weights and all, about the integration that knows nothing of a bias."""
    weighted, events = (
        next(h for h in source.histograms if h.name == name)
        for source in (high_mass.result.integration, high_mass.generation)
    )
    expected, found = _grouped(weighted, events)
    chi_squared = float(np.sum((found[0] - expected[0]) ** 2 / (found[1] + expected[1])))
    assert expected.shape[1] >= 15
    # Σw is fixed to σ, which correlates the bins; χ² of correlated terms has the same mean.
    assert chance(chi_squared, expected.shape[1] - 1) > P_VALUE
    assert disagreements(high_mass.result) == ()


def _grouped(weighted: Histogram, events: Histogram) -> tuple[np.ndarray, np.ndarray]:
    """Values and variances of both, bins joined until the events' error is below 20 %."""
    rows: list[list[float]] = [[0.0] * 4]
    columns = (weighted.values, weighted.errors, events.values, events.errors)
    for value, error, seen, spread in zip(*columns, strict=True):
        rows[-1] = [
            a + b for a, b in zip(rows[-1], (value, error**2, seen, spread**2), strict=True)
        ]
        if 0 < rows[-1][3] < (0.2 * rows[-1][2]) ** 2:
            rows.append([0.0] * 4)
    table = np.array(rows[:-1]).T
    return table[:2], table[2:]


def test_number_of_events_in_the_tail(high_mass: Finished) -> None:
    """N(m > 300 GeV)/N = ∫_tail b dσ / ∫ b dσ, the integrals from weighted points.

    Without the bias 1 event in 1000 lies there; the overweights, a hundredth of the events at
    most, keep their excess as weight and not as number.
    """
    spec = high_mass.spec()
    sampler, process = spec.sampler(), spec.sampler().integrand
    bias = Bias(spec.config().bias, process)  # type: ignore[arg-type]
    shares, n = high_mass.shares(), 400_000
    with torch.no_grad():
        sample = sampler.draw(5, "test", 0, n, shares)
    assert sample.evaluated is not None
    product = (sample.weight * bias.of(sample) / shares[sample.channel]).numpy()
    mass = np.zeros(n)
    mass[sample.evaluated.rows.numpy()] = _mass(sample.evaluated.points.momenta)
    tail = product * (mass > TAIL)
    expected = tail.sum() / product.sum()
    spread = np.sqrt(((tail - expected * product) ** 2).sum()) / product.sum()
    (group,) = high_mass.events().to_torch()
    found = float(np.mean(_mass(group.momenta) > TAIL))
    n_events = high_mass.generation.events
    error = math.hypot(spread, math.sqrt(expected * (1 - expected) / n_events))
    assert high_mass.generation.overweight_share < 0.001
    assert abs(found - expected) < SIGMAS * error + 1e-3 * expected
    (plain,) = (h for h in high_mass.result.integration.histograms if h.name == "m")
    sigma = sum(v for v, e in zip(plain.values, plain.edges, strict=False) if e >= TAIL)
    assert found > 15 * sigma / high_mass.result.integration.cross_section


def test_files_say_the_cross_section(high_mass: Finished, tmp_path: Path) -> None:
    """`inspect` of the file, of more events, and of both merged."""
    more = generate(high_mass.directory, events=3000, seed=6, output=tmp_path / "more")
    assert more.bias == high_mass.generation.bias != ""
    first, second = high_mass.directory / "events.lhe.gz", tmp_path / "more" / "events.lhe.gz"
    for path, result in ((first, high_mass.generation), (second, more)):
        seen = inspect_file(path)
        assert seen.cross_section_pb == pytest.approx(result.cross_section, rel=1e-9)
        assert seen.cross_section_error_pb == pytest.approx(result.error, rel=1e-6)
    merged = convert([first, second], tmp_path / "merged.root")
    truth = high_mass.result.integration
    assert merged.cross_section_pb is not None
    assert abs(merged.cross_section_pb - truth.cross_section) < SIGMAS * truth.error
    assert inspect_file(tmp_path / "merged.root").events == merged.events
