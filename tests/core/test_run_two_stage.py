"""Runs with an amplitude surrogate: events as without it, counted exact weights, resumed, reported."""

from __future__ import annotations

import json
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.config import from_document, resolve
from crosshook.core.errors import ConfigurationError, ModelError
from crosshook.core.events.files import open_events
from crosshook.core.generate import N_OWN, event_block
from crosshook.core.more_events import generate
from crosshook.core.process.bias import Bias
from crosshook.core.registry import default_registry
from crosshook.core.report.comparison import compare
from crosshook.core.run import run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_document import read_run_file
from crosshook.core.sampling.build import SamplerSpec
from crosshook.core.sampling.candidates import SurrogateCandidates
from crosshook.core.sampling.composition import Composition
from crosshook.core.surrogates.sampler_source import SampledAmplitudes

if TYPE_CHECKING:
    from crosshook.core.results import RunResult

EXAMPLE = Path(__file__).parents[2] / "examples" / "drell-yan.yaml"
GOOD = (
    "{use: invariants, options: {hidden: 32, depth: 2, epochs: 120}, train: {evaluations: 8000}}"
)
POOR = "{use: invariants, options: {hidden: 8, depth: 1, epochs: 1}, train: {evaluations: 500}}"
TWO = "{use: two-stage, options: {fall_back: false, floor: 0.1}}"
OBSERVABLES = (
    *("pt[0]", "pt[1]", "eta[0]", "eta[1]", "y[0]"),
    *("m", "y[0] + y[1]", "abs(y[0] - y[1])", "eta[0] * eta[1]", "pt[0] / m"),
)
RANGES = (
    (0, 60),
    (0, 60),
    (-6, 6),
    (-6, 6),
    (-6, 6),
    (66, 116),
    (-8, 8),
    (0, 5),
    (-9, 25),
    (0, 0.5),
)
EVENTS = 3000


def _settings(
    surrogate: str, unweighter: str, seed: int = 20261122, report: str = "none"
) -> tuple[str, ...]:
    histograms = ", ".join(
        f"o{i}: {{observable: '{text}', bins: 20, range: [{low}, {high}]}}"
        for i, (text, (low, high)) in enumerate(zip(OBSERVABLES, RANGES, strict=True))
    )
    common = f"events: {EVENTS}, pilot: 10000"
    return (
        f"output={{report: {report}, formats: [lhe]}}",
        "block_size=2000",
        f"seed={seed}",
        "sampling.evaluations=20000",
        f"integrate={{evaluations: 40000, histograms: {{{histograms}}}}}",
        f"generate={{{common}, surrogate: {surrogate}, unweighter: {unweighter}}}",
    )


@cache
def _run(folder: Path, name: str) -> tuple[RunResult, Path]:
    chosen = {"good": (GOOD, TWO), "poor": (POOR, TWO), "single": ("null", "rejection")}[name]
    seed = 7 if name == "single" else 20261122
    settings = _settings(*chosen, seed, "html" if name == "good" else "none")
    return run(EXAMPLE, settings=settings, output=folder / name), folder / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("two-stage")


def _momenta(directory: Path) -> np.ndarray:
    """Momenta of the leptons, `(n, 2, 4)`; their weights are equal but for few overweights."""
    with open_events(directory / "events.lhe", EVENTS) as stream:
        (batch,) = list(stream)
    (group,) = batch.to_torch()
    return group.momenta[:, -2:].numpy()


def _features(momenta: np.ndarray) -> torch.Tensor:
    """Logarithms of transverse momentum and mass, pseudorapidities: all that describes a pair."""
    p = torch.from_numpy(momenta)
    pt = p[..., 1:3].norm(dim=2)
    eta = torch.asinh(p[..., 3] / pt)
    total = p.sum(1)
    mass = (total[:, 0] ** 2 - total[:, 1:].square().sum(1)).sqrt()
    return torch.cat([pt[:, :1].log(), eta, mass.log()[:, None]], dim=1)


def _auc(one: torch.Tensor, two: torch.Tensor) -> float:
    """Area under the ROC curve of a network, trained on one half, for the other half."""
    generator = torch.Generator().manual_seed(3)
    x = torch.cat([one, two])
    # Of both together: two means and widths of their own would tell them apart.
    x = ((x - x.mean(0)) / x.std(0)).float()
    y = torch.cat([torch.zeros(len(one)), torch.ones(len(two))])
    order = torch.randperm(len(x), generator=generator)
    x, y = x[order], y[order]
    half = len(x) // 2
    sizes = (x.shape[1], 32, 32, 1)
    weights = [
        (torch.randn(a, b, generator=generator) / a**0.5).requires_grad_()
        for a, b in pairwise(sizes)
    ]
    biases = [torch.zeros(b, requires_grad=True) for b in sizes[1:]]

    def score(rows: torch.Tensor) -> torch.Tensor:
        for i, (w, b) in enumerate(zip(weights, biases, strict=True)):
            rows = rows @ w + b
            rows = rows if i == 2 else torch.nn.functional.silu(rows)
        return rows[:, 0]

    adam = torch.optim.Adam([*weights, *biases], lr=3e-3, weight_decay=1e-4)
    for _ in range(200):
        adam.zero_grad()
        loss = torch.nn.functional.binary_cross_entropy_with_logits(score(x[:half]), y[:half])
        loss.backward()
        adam.step()
    with torch.no_grad():
        found = score(x[half:])
    ranks = torch.argsort(torch.argsort(found)).double() + 1
    positive = y[half:] == 1
    n = int(positive.sum())
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(ranks) - n)))


@pytest.mark.parametrize("name", ["good", "poor"])
def test_events_are_those_of_a_single_stage(folder: Path, name: str) -> None:
    """No classifier tells them apart, and ten observables agree with the weighted integration.

    The area of a classifier that knows nothing is ½ within √((n + m + 1)/(12 n m)). Limits are for
    4σ, or a probability as small.
    """
    (found, here), (_, there) = _run(folder, name), _run(folder, "single")
    auc = _auc(_features(_momenta(here)), _features(_momenta(there)))
    half = EVENTS / 2
    assert abs(auc - 0.5) < 4 * ((2 * half + 1) / (12 * half * half)) ** 0.5
    assert found.generation is not None
    for reference, sample in zip(
        found.integration.histograms, found.generation.histograms, strict=True
    ):
        agreement = compare(reference, sample, weighted=False)
        assert agreement.probability > 3e-5, reference.observable


@pytest.mark.parametrize("name", ["good", "poor"])
def test_cross_sections_agree(folder: Path, name: str) -> None:
    """σ and the share of each process, within 4σ; a poor surrogate does not make σ worse."""
    found, single = _run(folder, name)[0].generation, _run(folder, "single")[0].generation
    assert found is not None
    assert single is not None
    error = (found.error**2 + single.error**2) ** 0.5
    assert abs(found.cross_section - single.cross_section) < 4 * error
    assert found.error < 1.5 * single.error
    for one, two in zip(found.processes, single.processes, strict=True):
        error = (one.error**2 + two.error**2) ** 0.5
        assert abs(one.cross_section - two.cross_section) < 4 * error
    left_out = any("left out of the cross section" in note for note in found.notes)
    assert left_out == (name == "poor")


def test_statistics(folder: Path) -> None:
    """ε1, ε2 and the gain as they follow from counts; the poor surrogate costs time."""
    gains = {}
    for name in ("good", "poor"):
        result = _run(folder, name)[0].generation
        assert result is not None
        stages = result.stages
        assert stages is not None
        assert stages.two_stages
        assert stages.first == pytest.approx(stages.exact / result.evaluations)
        kept = result.events + result.surplus
        assert stages.second == pytest.approx(kept / stages.exact)
        assert stages.pilot == result.pilot == 10_000
        assert result.efficiency == pytest.approx(stages.first * stages.second)
        gains[name] = stages.first * stages.second / stages.single, stages.second
    assert gains["poor"][0] < 0.7 * gains["good"][0]
    assert gains["good"][1] > 0.8
    assert _run(folder, "single")[0].generation.stages is None  # type: ignore[union-attr]


def test_report(folder: Path) -> None:
    page = (_run(folder, "good")[1] / "report.html").read_text("utf-8")
    for words in ("Amplitude surrogate", "gain f_eff", "When the surrogate pays"):
        assert words in page


def _spec(directory: Path) -> tuple[SamplerSpec, Any]:
    place = RunDirectory.open(directory)
    config = from_document(place.read_json(place.resolved))
    models = {slot: place.model(slot) for slot in place.trained()}
    composition = Composition.from_json(place.read_json(place.composition))
    return SamplerSpec.of(config, models, composition), place.read_json(place.state)


def test_gain_is_the_time_of_an_effective_event_in_both_ways(folder: Path) -> None:
    """Second by second, with what the report and the pilot say: a single stage draws 1/ε_full points
    for an event and looks at those inside the cuts, two stages draw 1/(ε1 ε2) and look at 1/ε2.
    """
    for name in ("good", "poor"):
        result, directory = _run(folder, name)
        assert result.generation is not None
        found = result.generation.stages
        assert found is not None
        pilot = _spec(directory)[1]["costs"]
        assert 0 < found.inside < 1
        looks = found.inside * pilot["exact"]
        one = (found.point_seconds + looks) / found.single / found.single_kish
        draws, looked = 1 / (found.first * found.second), 1 / found.second
        two = (
            draws * (found.point_seconds + found.surrogate_seconds) + looked * found.exact_seconds
        )
        assert found.gain == pytest.approx(one / (two / found.kish), rel=1e-12)
        perfect = found.point_seconds + found.surrogate_seconds + found.single * pilot["exact"]
        assert found.ceiling == pytest.approx((found.point_seconds + looks) / perfect, rel=1e-12)


def test_a_block(folder: Path, tmp_path: Path) -> None:
    """Points, weights and decisions of a block against the sample of the same random numbers."""
    spec, state = _spec(_run(folder, "good")[1])
    shares = torch.tensor(state["shares"], dtype=torch.float64)
    sampler, element = spec.sampler(), spec.surrogate()
    assert element is not None
    process: Any = sampler.integrand
    unweighter = spec.unweighter()
    arguments = (3, "generate", 5, 1000, shares, N_OWN + 1)
    sample = sampler.draw(*arguments)
    points = SurrogateCandidates.draw(sampler, *arguments, element, Bias(None, process))
    kept = unweighter.unweight(points, points.extra[:, N_OWN:])
    spent = points.spent
    everything = torch.arange(1000)
    assert spent.points == 1000
    assert len(kept.index) <= spent.looked < 1000
    assert points.surrogate().count_nonzero() == sample.weight.count_nonzero()
    torch.testing.assert_close(points.weight(everything), sample.weight, rtol=1e-12, atol=0)
    again = SurrogateCandidates.draw(sampler, *arguments, element, Bias(None, process))
    torch.testing.assert_close(again.weight(kept.index), sample.weight[kept.index])
    assert again.spent.looked == len(kept.index)
    assert torch.equal(again.points(kept.index).momenta, points.points(kept.index).momenta)
    block = event_block(spec, 3, 5, 1000, shares, str(tmp_path))
    assert block.spent is not None
    assert block.spent.looked == spent.looked
    assert block.kept <= len(kept.index)


def test_bias(folder: Path) -> None:
    """Estimates and exact weights take the bias of all points inside the cuts; sums do not."""
    spec, state = _spec(_run(folder, "good")[1])
    shares = torch.tensor(state["shares"], dtype=torch.float64)
    sampler, element = spec.sampler(), spec.surrogate()
    assert element is not None
    process: Any = sampler.integrand
    bias = Bias("(m / 91)**3", process)
    arguments = (3, "generate", 0, 200, shares, 0, element)
    points = SurrogateCandidates.draw(sampler, *arguments, bias)
    plain = SurrogateCandidates.draw(sampler, *arguments, Bias(None, process))
    sample = sampler.draw(3, "generate", 0, 200, shares)
    b = bias.of(sample)
    rows = torch.arange(200)
    assert float(b.max()) > 1.1
    torch.testing.assert_close(points.weight(rows), sample.weight * b, rtol=1e-12, atol=0)
    torch.testing.assert_close(points.surrogate(), plain.surrogate() * b, rtol=1e-12, atol=0)
    plain.weight(rows)
    assert points.sums(None).total.tolist() == plain.sums(None).total.tolist()


def test_a_block_without_exact_weights(folder: Path) -> None:
    """Nothing passed the first stage: there are no events, and the estimates are the sums."""
    spec, state = _spec(_run(folder, "good")[1])
    shares = torch.tensor(state["shares"], dtype=torch.float64)
    sampler, element = spec.sampler(), spec.surrogate()
    assert element is not None
    process: Any = sampler.integrand
    bias = Bias(None, process)
    points = SurrogateCandidates.draw(sampler, 3, "generate", 0, 50, shares, 0, element, bias)
    nothing = torch.zeros(0, dtype=torch.int64)
    assert len(points.weight(nothing)) == 0
    assert len(points.points(nothing).momenta) == 0
    sums = points.sums(torch.full((50,), 0.5, dtype=torch.float64))
    assert sums.total.sum() == pytest.approx(float(points.surrogate().sum()))


def test_sums_of_few_exact_weights(folder: Path) -> None:
    """s + (w - s)/p where w is known and s elsewhere: w in the mean, here over all outcomes.

    Knowing and not knowing, with their chances, give the exact weight of each point.
    """
    spec, state = _spec(_run(folder, "poor")[1])
    shares = torch.tensor(state["shares"], dtype=torch.float64)
    sampler, element = spec.sampler(), spec.surrogate()
    assert element is not None
    process: Any = sampler.integrand
    arguments = (3, "generate", 0, 500, shares, 0, element, Bias(None, process))
    exact = sampler.draw(3, "generate", 0, 500, shares)
    chance = torch.linspace(0.1, 1.0, 500, dtype=torch.float64)
    blocks = [SurrogateCandidates.draw(sampler, *arguments) for _ in range(2)]
    blocks[0].weight(torch.arange(500))
    blocks[1].weight(torch.nonzero(chance == 1)[:, 0])
    for one in range(0, 500, 50):
        known, unknown = (b.estimates(chance)[0][one] for b in blocks)
        mean = chance[one] * known + (1 - chance[one]) * unknown
        assert float(mean) == pytest.approx(float(exact.weight[one]), rel=1e-9)


def test_training_points(folder: Path) -> None:
    """Rows of each amplitude, in both orders of the incoming legs; |M|² times weight adds up to σ,
    as the sampler's weights do."""
    spec, _ = _spec(_run(folder, "good")[1])
    sampler = spec.sampler()
    shares = torch.full((sampler.n_channels,), 1 / sampler.n_channels, dtype=torch.float64)
    reporter: Any = type("Quiet", (), {"update": lambda *a, **k: None})()
    source = SampledAmplitudes(sampler, shares, reporter, seed=5, block_size=2000, allowed=0.0)
    table = source.draw(5000)
    assert source.evaluations == len(table) == 5000
    assert table.pdg == ((1, -1, 11, -11), (2, -2, 11, -11))
    assert table.process.bincount().tolist() == [2500, 2500]
    points = 5000 // 4
    weight = (table.amplitude * table.weight).reshape(4, points).sum(0)
    total, spread = float(weight.mean()), float(weight.std()) / points**0.5
    expected = _run(folder, "good")[0].integration.cross_section
    assert abs(total - expected) < 5 * spread


def test_a_saved_model_is_taken(folder: Path) -> None:
    """{model: DIR} needs no name, and is not trained; the model of the first run gives its events."""
    first, directory = _run(folder, "good")
    model = directory / "models" / "amplitude_surrogate"
    again = run(
        EXAMPLE,
        settings=_settings(f"{{model: '{model}'}}", TWO),
        output=folder / "saved",
    )
    assert again.generation is not None
    assert first.generation is not None
    assert again.generation.surrogate is not None
    assert again.generation.surrogate.evaluations == 0
    assert again.generation.surrogate.notes == ("saved model",)
    assert again.generation.files[0].sha256 != ""
    assert np.array_equal(_momenta(directory), _momenta(folder / "saved"))


class _StoppedError(Exception):
    """Stops a run."""


@pytest.mark.parametrize("stage", ["settling.weigh_pilot", "generation.produce"])
def test_a_resumed_run_is_the_same(
    folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    """Stopped after the training of the surrogate, or after the pilot."""
    from crosshook.core.run import resume

    def stop(*_: object, **__: object) -> None:
        raise _StoppedError

    place = folder / f"stopped-{stage}"
    with monkeypatch.context() as patch:
        patch.setattr(f"crosshook.core.stages.{stage}", stop)
        with pytest.raises(_StoppedError):
            run(EXAMPLE, settings=_settings(GOOD, TWO), output=place)
    resume(place)
    assert (place / "events.lhe").read_bytes().partition(b"</header>")[2] == (
        _run(folder, "good")[1] / "events.lhe"
    ).read_bytes().partition(b"</header>")[2]


def test_more_events(folder: Path) -> None:
    """The finished run's sampler, surrogate and maxima give events of another seed."""
    directory = _run(folder, "good")[1]
    more = generate(directory, events=500, seed=99)
    assert more.stages is not None
    assert more.stages.second > 0.8
    report = json.loads((directory / "seed-99" / "report.json").read_text("utf-8"))
    assert report["generation"]["stages"]["two_stages"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["generate.unweighter=two-stage"], "name one in generate.surrogate, or use rejection"),
        (["generate.surrogate=invariants"], "the unweighter rejection makes no use of it"),
        (["generate.surrogate={options: {}}"], "names no component: use, or model, is missing"),
        (["generate.surrogate={use: invariant}"], "did you mean invariants"),
        (["generate.surrogate={use: invariants, train: {evaluation: 1}}"], "did you mean eval"),
    ],
)
def test_refusals(tmp_path: Path, settings: list[str], words: str) -> None:
    with pytest.raises(Exception, match=words) as caught:
        run(EXAMPLE, settings=settings, output=tmp_path / "run")
    assert caught.type.__name__ in ("ConfigurationError", "RegistryError")
    assert not (tmp_path / "run").exists()


def test_a_model_of_something_else(folder: Path) -> None:
    other = _run(folder, "single")[1] / "models" / "channel_mapping"
    document, where = read_run_file(
        EXAMPLE, [f"generate.surrogate={{model: '{other}'}}", "generate.unweighter=two-stage"]
    )
    with pytest.raises(ConfigurationError, match="a model of channel_mapping, not of amplitude"):
        resolve(document, where, default_registry())
    document, where = read_run_file(EXAMPLE, ["generate.surrogate={model: nowhere}"])
    with pytest.raises(ModelError, match="no model here"):
        resolve(document, where, default_registry())
