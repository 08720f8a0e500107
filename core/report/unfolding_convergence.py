"""Whether an unfolding can be trusted, in its report: iterations, stress tests, controls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.report.figures import BarsFigure, Series
from crosshook.core.report.numbers import percent, plain
from crosshook.core.report.sections import Fact, Section, Table
from crosshook.core.report.unfolding_figures import Panel, StepsFigure
from crosshook.core.unfolding.stopping import SETTLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crosshook.core.unfolding.diagnostics_result import HarmTest, ShiftTest, Stopping


def convergence(stopping: Stopping) -> Section:
    """Δ by iteration over its noise, at both levels."""
    trends = stopping.trends
    panels = [
        Panel(
            "Δ of a step / noise",
            tuple((t.name, _over(t.change, t.noise)) for t in trends),
            1,
            (("settled", SETTLED),),
        )
    ]
    if any(t.detector for t in trends):
        panels.append(
            Panel(
                "Δ to data / limit",
                tuple((t.name, _over(t.detector, t.detector_limit)) for t in trends),
                0,
                (("limit", 1.0),),
            )
        )
    source = (
        "fits to resampled data"
        if stopping.floor == "replicas"
        else "the number of measured events alone, which is too low"
    )
    figure = StepsFigure(
        id="iterations",
        title="Iterations",
        caption=(
            "Above, how far each step moves the truth, over what statistics move it. Below, how "
            "far the folded spectrum is from the measured one, over what chance explains."
        ),
        alternative=stopping.reason,
        axis="iteration",
        panels=tuple(panels),
        marked=stopping.recommended,
    )
    table = Table(
        "Δ of the last step, and its noise",
        ("observable", "first step", "last step", "noise", "to the data", "limit"),
        tuple(
            (
                t.name,
                *(plain(v, 3) for v in (t.change[0], t.change[-1], t.noise[-1])),
                *(plain(v[-1] if v else math.nan, 3) for v in (t.detector, t.detector_limit)),
            )
            for t in trends
        ),
        frozenset({1, 2, 3, 4, 5}),
    )
    settled = stopping.recommended
    facts = (
        Fact("settled from iteration", "none" if settled is None else str(settled)),
        Fact("iterations", str(stopping.iterations)),
        Fact("noise", f"from {source}"),
    )
    lead = f"{stopping.reason[:1].upper()}{stopping.reason[1:]}."
    return Section("convergence", "Convergence", lead, facts, (table,), (figure,))


def _over(values: Sequence[float], noise: Sequence[float]) -> tuple[float, ...]:
    return tuple(v / n if n > 0 else math.nan for v, n in zip(values, noise, strict=True))


def stress(tests: Sequence[ShiftTest]) -> Section:
    """What is left of shifts that were put in."""
    tables = tuple(
        Table(
            f"Shift {test.name!r}; normalisation {percent(test.normalisation_bias)} off",
            ("observable", "Δ put in", "Δ left", "noise", "bias of the mean", "over its error"),
            tuple(
                (
                    o.name,
                    plain(o.before, 3),
                    plain(o.after, 3),
                    plain(o.noise, 3),
                    plain(o.mean_bias, 3),
                    plain(o.mean_bias / o.mean_error if o.mean_error > 0 else math.nan, 2),
                )
                for o in test.observables
            ),
            frozenset({1, 2, 3, 4, 5}),
        )
        for test in tests
    )
    first = tests[0]
    names = tuple(o.name for o in first.observables)
    nothing = (math.nan,) * len(names)
    left = tuple(o.after / o.noise if o.noise > 0 else math.nan for o in first.observables)
    pulls = tuple(
        o.mean_bias / o.mean_error if o.mean_error > 0 else math.nan for o in first.observables
    )
    figure = BarsFigure(
        id="stress",
        title=f"Bias of the shift {first.name!r}",
        caption="What is left of the shift over what statistics make of the measurement.",
        alternative=f"Δ left over noise is at most {plain(max(left, default=math.nan), 2)}.",
        names=names,
        panels=(
            Series("Δ left / noise", left, nothing),
            Series("bias of the mean / error", pulls, nothing),
        ),
    )
    lead = (
        "The simulation with another truth is unfolded as if it were the data; what comes out is "
        "compared with what was put in. The pseudo-data are the simulation's own events, so that "
        "what is left is bias, and the noise of one network. 'as unfolded' is the truth found in "
        "the data: its bias is the one to expect of the measurement."
    )
    return Section("stress", "Stress tests", lead, (), tables, (figure,))


def harm(tests: Sequence[HarmTest]) -> Section:
    """Controls: where the detector sees no difference, the truth should stay."""
    rows = tuple(
        (
            t.name,
            plain(t.detector, 3),
            plain(t.detector_limit, 3),
            "agree" if t.agrees else "differ",
            plain(t.truth, 3),
            plain(t.truth_limit, 3),
            ("harmed" if t.harmed else "unharmed") if t.agrees else "no control",
        )
        for t in tests
    )
    table = Table(
        "Simulation against data at detector level, and prior against unfolded truth",
        ("observable", "Δ detector", "limit", "", "Δ truth", "limit", "verdict"),
        rows,
        frozenset({1, 2, 4, 5}),
    )
    controls = [t for t in tests if t.agrees]
    harmed = [t.name for t in controls if t.harmed]
    facts = (
        Fact("controls", str(len(controls)), f"of {len(tests)} observables"),
        Fact("harmed", ", ".join(harmed) or "none"),
    )
    lead = "Where simulation and data agree, an unfolding has nothing to change: do no harm."
    return Section("harm", "Controls", lead, facts, (table,))
