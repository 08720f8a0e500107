"""Diagnostics of a binned unfolding: each finds what was put in, and says nothing otherwise."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError
from crosshook.core.report.reading import read_record
from crosshook.core.results import as_json
from crosshook.core.unfolding.diagnostics import DiagnosticPlan, default_binnings, diagnose, warned
from crosshook.core.unfolding.diagnostics_result import Diagnostics, Trend
from crosshook.core.unfolding.folding import at_detector, folded, observed, refers_to, response
from crosshook.core.unfolding.harm import harm_test
from crosshook.core.unfolding.shift import pseudo_data, tilted
from crosshook.core.unfolding.specification import UnfolderSpec, fitted
from crosshook.core.unfolding.spectra import Binning, column, mean_and_deviation, spectrum
from crosshook.core.unfolding.stopping import recommend
from crosshook.core.unfolding.weight_health import weight_health

if TYPE_CHECKING:
    from crosshook.core.interfaces.unfolder import Unfolded
    from crosshook.core.unfolding.inputs import Inputs

BINS = Binning("x0", tuple(np.linspace(-2.5, 2.5, 11)), "GeV")
CONTROL = Binning("control", tuple(np.linspace(-2.5, 2.5, 11)))


@pytest.fixture(scope="session")
def diagnosed(unfolding: Any) -> Diagnostics:
    """The problem's diagnostics, with both kinds of stress test."""
    events = unfolding.inputs
    return diagnose(
        unfolding.build,
        events.simulation,
        events.measured,
        events.background,
        unfolding.unfolded,
        DiagnosticPlan(shifts=("as unfolded", "x0")),
        20261122,
        binnings=(BINS, CONTROL),
        parts=unfolding.parts,
    )


def test_a_good_unfolding_raises_no_alarm(diagnosed: Diagnostics) -> None:
    """Five iterations are enough for this detector; the control stays; the sum closes."""
    assert diagnosed.warnings == ()
    assert diagnosed.stopping is not None
    assert diagnosed.stopping.floor == "replicas"
    assert diagnosed.stopping.recommended is not None
    first, control = diagnosed.harms
    assert not first.agrees
    assert control.agrees
    assert not control.harmed
    assert diagnosed.fits["bootstrap_data"] == 12


def test_diagnostics_are_kept_as_they_are(diagnosed: Diagnostics) -> None:
    """Written as JSON and read back, NaN included."""
    text = json.dumps(as_json(diagnosed), allow_nan=False)
    back = read_record(json.loads(text), Diagnostics, "report")
    assert json.dumps(as_json(back), allow_nan=False) == text
    assert back.spectra[0].edges == BINS.edges


def test_errors_are_those_of_the_replicas(diagnosed: Diagnostics, unfolding: Any) -> None:
    """The statistical error of a bin is the standard deviation of its replicas."""
    values = column(unfolding.unfolded.truth, "x0")
    made = spectrum(values, unfolding.unfolded.families["bootstrap_data"].weights, BINS)
    assert diagnosed.spectra[0].statistical == pytest.approx(made.std(axis=0, ddof=1))
    means = mean_and_deviation(values, unfolding.unfolded.families["bootstrap_data"].weights)
    split = diagnosed.splits[0]
    assert (split.name, split.resamples, split.seeds) == ("x0", 12, 1)
    assert split.statistical == pytest.approx(means[:, 0].var(ddof=1))
    assert np.diag(np.array(diagnosed.spectra[0].correlation)) == pytest.approx(np.ones(10))


def test_stress_tests_find_the_bias_of_stopping_early(
    diagnosed: Diagnostics, unfolding: Any
) -> None:
    """One iteration leaves several times the bias of five, and one is found out."""
    build = UnfolderSpec.of(
        {"use": "ibu", "options": {"iterations": 1, "bins": {"x0": 12, "control": 4}}}
    )
    early = fitted(build, unfolding.inputs, 1)
    early = replace(early, families={**unfolding.unfolded.families, **early.families})
    events = unfolding.inputs
    found = diagnose(
        build,
        events.simulation,
        events.measured,
        None,
        early,
        DiagnosticPlan(shifts=("x0",)),
        20261122,
        binnings=(BINS,),
    )
    biased, late = found.shifts[0].observables[0], diagnosed.shifts[1].observables[0]
    assert biased.before == pytest.approx(late.before)
    assert biased.after > 5 * late.after
    assert abs(biased.mean_bias) > 5 * abs(late.mean_bias)
    assert any("stress test 'x0'" in warning for warning in found.warnings)


def test_a_perfect_detector_has_no_bias(problem: Inputs) -> None:
    """Reco = truth, no losses: the tilt that is put in is what comes out in these very bins."""
    simulation = replace(
        problem.simulation,
        reco=problem.simulation.truth,
        has_truth=torch.ones_like(problem.simulation.has_truth),
        has_reco=torch.ones_like(problem.simulation.has_reco),
    )
    inputs = replace(problem, simulation=simulation)
    shifted, truth = pseudo_data(inputs, tilted(simulation, "x0"))
    edges = list(BINS.edges)
    options = {"iterations": 1, "bins": {"x0": edges, "control": 1}, "reco_bins": {"x0": edges}}
    build = UnfolderSpec.of({"use": "ibu", "options": options})
    result = fitted(build, shifted, 1)
    values = column(simulation.truth, "x0")
    found = spectrum(values, result.families["nominal"].weights[:, 0], BINS)
    assert found == pytest.approx(spectrum(values, truth, BINS), rel=1e-9)
    assert float(shifted.measured.weight.sum()) == pytest.approx(4000.0)


def test_folding_the_simulation_gives_the_simulation(problem: Inputs) -> None:
    """Fakes included, whatever the scale; the response's rows are probabilities."""
    simulation = problem.simulation
    weight = simulation.weight[simulation.has_truth][:, None]
    seen = simulation.has_reco
    wanted = spectrum(column(simulation.reco, "x0")[seen], simulation.weight[seen], BINS)
    assert folded(simulation, 3 * weight, BINS).values[0] == pytest.approx(3 * wanted)
    assert at_detector(simulation, weight).shape == (int(seen.sum()), 1)
    rows = response(simulation, BINS, BINS).sum(axis=1)
    assert rows == pytest.approx(np.ones(10))


def test_background_is_taken_off_the_measured_spectrum(problem: Inputs) -> None:
    """Subtracting the data themselves leaves nothing, with twice the variance."""
    doubled = replace(problem, background=problem.measured)
    bins, plain = observed(doubled, BINS), observed(problem, BINS)
    assert bins.values == pytest.approx(np.zeros((1, 10)))
    assert bins.variances == pytest.approx(2 * plain.variances)


def tampered(unfolded: Unfolded, name: str) -> Unfolded:
    """Nominal weights multiplied by 1 + ½ tanh of a column."""
    factor = 1 + 0.5 * torch.tanh(column(unfolded.truth, name))[:, None]
    nominal = unfolded.families["nominal"]
    changed = replace(nominal, weights=nominal.weights * factor)
    return replace(unfolded, families={**unfolded.families, "nominal": changed})


def test_harm_is_found(unfolding: Any) -> None:
    """A control that is made up is harmed, with the replicas' noise and with that of the events."""
    made_up = tampered(unfolding.unfolded, "control")
    replicas = made_up.families["bootstrap_data"].weights
    for noise in (replicas, None):
        assert harm_test(unfolding.inputs, made_up, CONTROL, noise).harmed
        assert not harm_test(unfolding.inputs, unfolding.unfolded, CONTROL, noise).harmed


def test_other_rows_cannot_be_folded(unfolding: Any) -> None:
    """Drawn truth instead of the simulation's: spectra stay, what needs folding is left out."""
    unfolded = unfolding.unfolded
    moved = replace(unfolded, truth=replace(unfolded.truth, dense=unfolded.truth.dense + 0.01))
    assert refers_to(unfolded, unfolding.inputs.simulation)
    events = unfolding.inputs
    found = diagnose(
        unfolding.build, events.simulation, events.measured, None, moved, DiagnosticPlan(), 1
    )
    assert found.shifts == ()
    assert found.spectra[0].folded == ()
    assert math.isnan(found.closure.folded)
    assert found.stopping is not None
    assert found.stopping.trends[0].detector == ()


def test_without_observables_little_is_said(unfolding: Any) -> None:
    """Clouds alone: the weights and the normalisation are looked at, and no fit is made."""
    events = unfolding.inputs
    found = diagnose(
        unfolding.build,
        events.simulation,
        events.measured,
        None,
        unfolding.unfolded,
        DiagnosticPlan(),
        1,
        binnings=(),
    )
    assert (found.stopping, found.shifts, found.spectra) == (None, (), ())
    assert found.closure.difference == pytest.approx(0.0, abs=0.05)


def trend(name: str, remaining: tuple[float, ...], last: float, detector: float = 0.5) -> Trend:
    """A trend of four iterations with noise 1 and limit 1."""
    return Trend(
        name,
        (9.0, *(detector + r for r in remaining)),
        (0.5,) * 5,
        (1.0,) * 5,
        (9.0, 2.0, 1.0, last),
        remaining,
        (1.0,) * 4,
    )


def test_recommended_iteration() -> None:
    """The slowest observable decides; one that moves to the end leaves none."""
    fast = trend("fast", (0.2, 0.1, 0.05, 0.0), 0.05)
    slow = trend("slow", (4.0, 0.9, 0.2, 0.0), 0.2)
    moving = trend("moving", (4.0, 2.0, 1.0, 0.0), 1.0)
    assert recommend([fast], 4)[0] == 1
    assert recommend([fast, slow], 4)[0] == 3
    number, reason = recommend([fast, slow, moving], 4)
    assert number is None
    assert "moved moving by 1 of its statistical error" in reason
    misfit = trend("misfit", (0.2, 0.1, 0.0, 0.0), 0.0, detector=5.0)
    number, reason = recommend([misfit], 4)
    assert number == 2  # 5.2 is above the limit and improves by more than a quarter of the noise
    assert "misfit does not fit" in reason
    assert recommend([fast], 1)[0] is None


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "sum": ({"closure": {"difference": 0.2}}, "normalisation"),
    "few": ({"weights": {"effective": 10.0}}, "few events carry"),
    "tail": ({"weights": {"largest_share": 0.5}}, "heavy tail"),
    "negative": ({"weights": {"negative": 3}}, "3 weights are negative"),
    "clipped": ({"weights": {"at_ceiling": 400}}, "may be clipped"),
    "replicas": ({"fits": {}}, "no replicas of the data"),
    "few replicas": ({"fits": {"bootstrap_data": 4, "ensemble": 2}}, "2 resamples"),
}


@pytest.mark.parametrize("case", CASES)
def test_warnings_name_what_is_wrong(diagnosed: Diagnostics, case: str) -> None:
    changes, message = CASES[case]
    made = {
        key: value if key == "fits" else replace(getattr(diagnosed, key), **value)
        for key, value in changes.items()
    }
    found = warned(replace(diagnosed, **made)).warnings
    assert len(found) == 1
    assert message in found[0]


def test_noise_of_the_network_is_named(diagnosed: Diagnostics) -> None:
    loud = replace(diagnosed.spectra[0], network=diagnosed.spectra[0].total)
    found = warned(replace(diagnosed, spectra=(loud, diagnosed.spectra[1]))).warnings
    assert len(found) == 1
    assert "variance of x0" in found[0]


def test_clipped_ratios_are_counted() -> None:
    """Only where ratios are each row's own: in cells they are shared anyway."""
    reference = torch.ones(1000, dtype=torch.float64)
    ratios = torch.linspace(0.5, 2.0, 1000, dtype=torch.float64)
    assert weight_health(ratios.clamp(max=1.5), reference).at_ceiling == 334
    assert weight_health(ratios.round(), reference).at_ceiling == 0


def test_default_binnings_are_of_columns_at_both_levels(problem: Inputs) -> None:
    assert [b.name for b in default_binnings(problem)] == ["x0", "control"]
    reco = replace(problem.simulation.reco, names=("x0", "other"))
    other = replace(problem, simulation=replace(problem.simulation, reco=reco))
    assert [b.name for b in default_binnings(other)] == ["x0"]


def test_a_constant_cannot_be_shifted(problem: Inputs) -> None:
    truth = replace(
        problem.simulation.truth, dense=torch.zeros_like(problem.simulation.truth.dense)
    )
    with pytest.raises(ConfigurationError, match="constant; nothing to shift"):
        tilted(replace(problem.simulation, truth=truth), "x0")


@pytest.mark.parametrize(
    "plan", [DiagnosticPlan(shifts=("y",)), DiagnosticPlan(harm=("as unfolded",))]
)
def test_unknown_observables_are_refused_before_any_fit(
    problem: Inputs, plan: DiagnosticPlan
) -> None:
    with pytest.raises(ConfigurationError, match=r"diagnostics\.(shifts|harm): no observable"):
        plan.check(problem)
