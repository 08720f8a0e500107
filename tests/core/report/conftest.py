"""A small result of a run, made up with fixed numbers, for everything that shows results."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from crosshook.core.generation_result import (
    FileResult,
    GenerationResult,
    ProcessResult,
    VariationResult,
)
from crosshook.core.histograms import Histogram
from crosshook.core.results import (
    AgreementResult,
    ChannelResult,
    IntegrationResult,
    RunResult,
    WeightSpectrum,
)
from crosshook.core.statistics import Efficiency
from crosshook.core.training_result import (
    CandidateResult,
    ChannelChoice,
    IterationResult,
    TrainingResult,
)

EVENTS, SIGMA = 2000, 474.0
SHAPE = np.array([0.10, 0.25, 0.25, 0.18, 0.10, 0.06, 0.04, 0.02])
EFFICIENCIES = (
    Efficiency("excess-share", 1e-3, 0.608, 0.005, 0.61, 100_000),
    Efficiency("carried-share", 1e-3, 0.434, 0.005, 0.44, 100_000),
    Efficiency("maximum", 0.0, 0.103, 0.009, 0.11, 100_000),
)


@pytest.fixture(scope="session")
def run_result() -> RunResult:
    """Two channels, one observable, events with variations and a file."""
    return RunResult(
        format="crosshook-report/1",
        process="p p > t t~",
        beams=(2212, 2212),
        energy=13000.0,
        parton_density="ToyLH_LO",
        seed=20261122,
        created="2026-11-22T03:58:47+00:00",
        versions={"crosshook": "0.1.0", "python": "3.11.7"},
        configuration={
            "beams": {"energy": 13000, "pdf": "ToyLH_LO"},
            "output": {"directory": "runs/ttbar"},
        },
        training=_training(),
        integration=_integration(),
        generation=_generation(),
        seconds=5.0,
    )


def _training() -> TrainingResult:
    iterations = tuple(
        IterationResult(1000, SIGMA + d, e, (200.0 + d, 274.0), (0.7 * e, 0.7 * e))
        for d, e in ((3.0, 4.0), (-1.0, 2.0), (0.5, 1.0))
    )
    return TrainingResult(3000, iterations, 1.9, 2, False, ("128 bins",), 1.5)


@pytest.fixture(scope="session")
def learned_result(run_result: RunResult) -> RunResult:
    """The same run with a flow inside a grid and channel weights that learned."""
    candidates = tuple(
        CandidateResult(name, weights, deviation, efficiency, component)
        for weights, better in (("before", 1.0), ("after", 0.5))
        for name, deviation, efficiency, component in (
            ("untrained", 0.581, 0.18, ""),
            ("warm start", 0.207, 0.655, "vegas"),
            ("learned", 0.056 * better, 1 - 0.07 * better, "flow"),
        )
    )
    training = dataclasses.replace(
        run_result.training,
        losses={"channel_mapping": tuple(0.3 * 0.99**step for step in range(800))},
        candidates=(*candidates, CandidateResult("chosen", "after", 0.025, 0.97)),
        candidate_points=2500,
        choices=(
            ChannelChoice("t-pole", 1.0, 0.0, 0.0),
            ChannelChoice("flat", 0.95, 0.05, 0.0),
        ),
    )
    return dataclasses.replace(run_result, training=training)


def _integration() -> IntegrationResult:
    return IntegrationResult(
        cross_section=SIGMA,
        error=0.08,
        evaluations=100_000,
        chi_squared=9.0,
        degrees_of_freedom=9,
        channels=(
            ChannelResult("t-pole", 0.6, 60_000, 274.0, 0.06, 1300.0, 0),
            ChannelResult("flat", 0.4, 40_000, 200.0, 0.05, 1700.0, 120),
        ),
        cut_efficiency=0.9988,
        invalid=0,
        negative_share=0.0,
        efficiencies=EFFICIENCIES,
        mean_over_max=0.103,
        kish=0.956,
        relative_deviation=0.21,
        histograms=(_histogram(SIGMA * SHAPE, 1e-3 * SIGMA * np.sqrt(SHAPE)),),
        spectrum=WeightSpectrum(
            (-2.0, -1.0, 0.0, 1.0), ((10, 9000, 50_990), (0, 9000, 30_880)), zeros=120
        ),
        seconds=2.0,
        running=tuple((n * 10_000, SIGMA + 1 / n, 0.3 / n**0.5) for n in range(1, 11)),
        agreement=AgreementResult(0.44, 0.31, (0.7, -0.7), 0.97, 0.25, 1e-3, 2e-3, ()),
    )


def _generation() -> GenerationResult:
    counts = np.random.default_rng(20261122).multinomial(EVENTS, SHAPE)
    scales = [("scale_variation", f) for f in (1.0, 0.8, 1.25)]
    members = [("pdf_variation", f) for f in (1.0, 0.98, 1.03)]
    return GenerationResult(
        events=EVENTS,
        surplus=12,
        evaluations=4096,
        pilot=20_000,
        efficiency=0.49,
        rule=("maxima from 20000 points",),
        overweights=7,
        overweight_share=0.0009,
        kish=0.9995,
        cross_section=SIGMA,
        error=0.07,
        processes=(ProcessResult(1, "g g > t t~", 400.0, 0.07),),
        variations=tuple(
            VariationResult(str(1001 + i), group, f"weight {i}", SIGMA * f)
            for i, (group, f) in enumerate(scales + members)
        ),
        histograms=(_histogram(SIGMA / EVENTS * counts, SIGMA / EVENTS * np.sqrt(counts)),),
        files=(FileResult("events.lhe.gz", 4_790_000, "ab" * 32),),
        seconds=1.0,
    )


def _histogram(values: np.ndarray, errors: np.ndarray) -> Histogram:
    edges = np.linspace(0.0, 400.0, SHAPE.size + 1)
    columns = [tuple(float(x) for x in column) for column in (edges, values, errors)]
    return Histogram("pt_0", "pt[0]", r"$p_T(\bar{t})$", "GeV", *columns, 0.0, 1.5)
