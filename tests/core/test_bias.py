"""Generation with a bias: the contract of unweighting holds for w·b, files for w."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.events.parts import load_part
from crosshook.core.events.run_info import RunInfo
from crosshook.core.generate import N_OWN, event_block
from crosshook.core.inspect import inspect_file
from crosshook.core.integrate import weighted_block
from crosshook.core.more_events import generate
from crosshook.core.process.bias import Bias
from crosshook.core.run import run
from crosshook.core.run_directory import RunDirectory

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parents[2] / "examples"
SETTINGS = (
    "output={report: none, formats: [lhe]}",
    "block_size=500",
    "sampling.evaluations=4000",
    "integrate.evaluations=4000",
    "variations.scales=7-point",
    "cuts.eta_max=4",
)


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | None], Any]:
    """`biased(expression)`: the directory and the result of a small run."""
    made: dict[str | None, Any] = {}

    def start(text: str | None) -> Any:
        if text not in made:
            place = tmp_path_factory.mktemp("biased") / "run"
            asked = {"events": 400, "pilot": 2000} | ({"bias": text} if text else {})
            settings = (*SETTINGS, f"generate={json.dumps(asked)}")
            made[text] = place, run(EXAMPLES / "drell-yan.yaml", settings=settings, output=place)
        return made[text]

    return start


def _read(path: Path) -> EventBatch:
    with open_events(path) as stream:
        return EventBatch.concatenate(list(stream))


def _mass(events: EventBatch) -> np.ndarray:
    (group,) = events.to_torch()
    p = group.momenta[:, -2:].sum(1)
    return torch.sqrt(p[:, 0] ** 2 - (p[:, 1:] ** 2).sum(1)).numpy()


@pytest.mark.parametrize("text", ["1", "7", "8"])
def test_a_constant_changes_nothing(biased: Callable[..., Any], text: str) -> None:
    """b = 1 bit for bit; 8 too, a power of two; 7 up to rounding."""
    (one, _), (two, result) = biased(None), biased(text)
    plain, other = _read(one / "events.lhe"), _read(two / "events.lhe")
    for name, column in plain.particle_columns.items():
        np.testing.assert_array_equal(column, other.particle_columns[name])
    rtol = 1e-13 if text == "7" else 0.0
    np.testing.assert_allclose(other.event["weight"], plain.event["weight"], rtol=rtol)
    np.testing.assert_allclose(other.weights, plain.weights, rtol=rtol)
    generation, first = result.generation, biased(None)[1].generation
    assert (generation.bias, first.bias) == (text, "")
    assert generation.overweights == first.overweights
    assert generation.overweight_share == pytest.approx(first.overweight_share, abs=1e-12)


def test_weights_are_one_over_the_bias(biased: Callable[..., Any]) -> None:
    """w·b is one number but for overweights; the mean weight is σ; all weights share the factor."""
    place, result = biased("(m / 91)**2")
    events, generation = _read(place / "events.lhe"), result.generation
    weight = np.asarray(events.event["weight"])
    product = weight * (_mass(events) / 91) ** 2
    common = product.min()
    over = product > common * (1 + 1e-9)  # momenta in the file have 1e-10 of rounding
    assert over.sum() == generation.overweights
    excess = (weight * (1 - common / product))[over].sum() / weight.sum()
    assert generation.overweight_share == pytest.approx(excess, abs=1e-9)
    assert weight.mean() == pytest.approx(generation.cross_section, rel=1e-12)
    assert np.array_equal(events.weights[:, 0], weight)
    assert 0.3 < events.weights.min() / weight.min() < 3
    kish = weight.sum() ** 2 / (weight.size * (weight**2).sum())
    assert generation.kish == pytest.approx(kish, rel=1e-12)
    assert generation.kish < 0.999
    assert "ε(0.1 %) of |w|·b in the pilot: " in generation.rule[-1]


def test_readers_find_the_cross_section(biased: Callable[..., Any]) -> None:
    """IDWTUP -4, XMAXUP the largest weight, σ and its error those of the run."""
    place, result = biased("(m / 91)**2")
    seen, events = inspect_file(place / "events.lhe"), _read(place / "events.lhe")
    assert seen.weighting == -4
    assert (seen.rule, seen.events) == ("average", 400)
    assert seen.cross_section_pb == pytest.approx(result.generation.cross_section, rel=1e-12)
    assert seen.cross_section_error_pb == pytest.approx(result.generation.error, rel=1e-6)
    weight = np.abs(np.asarray(events.event["weight"]))
    for process in events.info.processes:
        own = weight[events.event["process_id"] == process.process_id]
        assert process.maximum == pytest.approx(own.max(), rel=1e-12)


def test_expectation_at_a_fixed_state(drell_yan: Any, tmp_path: Path) -> None:
    """Σ over all points of P(kept)·weight_out is the point's w, with P from its definition.

    A block is generated with b and its events compared with hit-or-miss done here: kept where
    r·M < |w|·b, with max(M, |w|·b)/b/p as their weight; P·weight_out = w/p for any M and b.
    """
    text = "(m / 91)**4"
    config = replace(drell_yan.config, bias=text)
    spec = _Parts(drell_yan.spec.sampler(), drell_yan.spec.unweighter(), config)
    shares, size = drell_yan.frozen.shares, 2000
    made: Any = event_block(spec, 3, 5, size, shares, str(tmp_path))  # type: ignore[arg-type]
    info = RunInfo(weights=tuple(_weights(drell_yan)))
    batch = load_part(Path(made.path), info)
    sample = spec.sampler().draw(3, "generate", 5, size, shares, N_OWN + 1)
    bias = torch.ones(size, dtype=torch.float64)
    final = sample.evaluated.points.momenta[:, 2:].sum(1)
    mass = torch.sqrt(final[:, 0] ** 2 - (final[:, 1:] ** 2).sum(1))
    bias[sample.evaluated.rows] = (mass / 91) ** 4
    product = sample.weight * bias
    maxima = torch.from_numpy(drell_yan.frozen.maxima)[sample.channel]
    share = shares[sample.channel]
    rows = torch.nonzero(sample.extra[:, N_OWN] * maxima < product)[:, 0]
    assert made.kept == len(batch) == len(rows) > 0
    out = torch.maximum(maxima, product) / share / bias
    np.testing.assert_allclose(batch.event["weight"], out[rows].numpy(), rtol=1e-12)
    chance = torch.clamp(product / maxima, max=1.0)
    np.testing.assert_allclose((chance * out).numpy(), (sample.weight / share).numpy(), rtol=1e-12)
    # The sums that give σ know nothing of the bias.
    assert made.sums.estimate().value == pytest.approx(
        sum(float(sample.weight[sample.channel == c].mean()) for c in range(len(shares)))
    )
    both = [
        weighted_block(
            spec,  # type: ignore[arg-type]
            3, "pilot", 0, 500, shares, (), keep_weights=True, biased=b,
        )
        for b in (False, True)
    ]  # fmt: skip
    same = spec.sampler().draw(3, "pilot", 0, 500, shares)
    expected = same.weight * Bias(text, drell_yan.process).of(same)
    np.testing.assert_array_equal(both[0].weight, same.weight.numpy())
    np.testing.assert_array_equal(both[1].weight, expected.numpy())
    np.testing.assert_array_equal(both[0].sums.total, both[1].sums.total)


class _Parts:
    """A specification that hands out given parts."""

    def __init__(self, sampler: Any, unweighter: Any, config: Any) -> None:
        self._parts = (sampler, unweighter, config)

    def sampler(self) -> Any:
        return self._parts[0]

    def unweighter(self) -> Any:
        return self._parts[1]

    def surrogate(self) -> None:
        return None

    def config(self) -> Any:
        return self._parts[2]


def _weights(finished: Any) -> Any:
    with open_events(finished.directory.path / "events.lhe") as stream:
        return stream.info.weights


def test_more_events_keep_the_bias(biased: Callable[..., Any], tmp_path: Path) -> None:
    place, _ = biased("(m / 91)**2")
    copied = shutil.copytree(place, tmp_path / "run")
    result = generate(copied, events=300, seed=5)
    assert result.bias == "(m / 91)**2"
    events = _read(copied / "seed-5" / "events.lhe")
    product = np.asarray(events.event["weight"]) * (_mass(events) / 91) ** 2
    assert np.count_nonzero(product < product.min() * (1 + 1e-9)) == 300 - result.overweights
    home = RunDirectory.open(copied)
    assert math.isclose(events.event["weight"].mean(), result.cross_section, rel_tol=1e-12)
    assert home.read_json(home.resolved)["generate"]["bias"] == "(m / 91)**2"  # type: ignore[index]


def test_mistakes(tmp_path: Path) -> None:
    """A wrong expression leaves no directory; a bias that is not positive stops the run."""
    example = EXAMPLES / "drell-yan.yaml"
    place = tmp_path / "run"
    with pytest.raises(ConfigurationError, match=r"generate\.bias: 'pt\[5\]': there is no final"):
        run(example, settings=(*SETTINGS, "generate.bias=pt[5]"), output=place)
    with pytest.raises(ConfigurationError, match=r"generate\.bias: 7 "):
        run(example, settings=(*SETTINGS, "generate.bias=7"), output=place)
    assert not place.exists()
    with pytest.raises(NumericalError, match=r"generate\.bias: 'm - 90' is -.*momenta"):
        run(example, settings=(*SETTINGS, "generate.bias=m - 90"), output=place)
