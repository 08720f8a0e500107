"""The spectra of an unfolding's report: truth with its bands, and the detector level."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crosshook.core.report.figures import Series
from crosshook.core.report.numbers import plain
from crosshook.core.report.sections import Section, Table
from crosshook.core.report.unfolding_figures import BandsFigure, MatrixFigure

if TYPE_CHECKING:
    from crosshook.core.report.figures import Figure
    from crosshook.core.unfolding.diagnostics_result import Diagnostics, LevelSpectra


def truth(found: Diagnostics) -> Section:
    """Unfolded spectra over the simulation's, with a table of the bins."""
    figures = tuple(_truth_figure(s) for s in found.spectra)
    tables = tuple(_bins(s) for s in found.spectra)
    lead = "Truth in the fiducial region, sums of weights, against the simulation scaled to it."
    return Section("truth", "Unfolded spectra", lead, (), tables, figures)


def _truth_figure(spectra: LevelSpectra) -> BandsFigure:
    nothing = (math.nan,) * len(spectra.unfolded)
    rest = [abs(u / p - 1) for u, p in zip(spectra.unfolded, spectra.prior, strict=True) if p > 0]
    bands = [("statistical", spectra.statistical)]
    if spectra.total != spectra.statistical:
        bands = [("total", spectra.total), *bands]
    known = any(map(math.isfinite, spectra.total))
    errors = "Bands of one standard error." if known else "No replica tells the errors."
    return BandsFigure(
        id=f"truth-{spectra.name}",
        title=f"Unfolded {spectra.name}",
        caption=f"{errors} Below, ratios to the unfolded spectrum.",
        alternative=(
            f"The unfolded spectrum of {spectra.name} differs from the simulation's by up to "
            f"{plain(100 * max(rest, default=math.nan), 2)} % in a bin."
        ),
        axis=spectra.name,
        unit=spectra.unit,
        edges=spectra.edges,
        nominal=Series("unfolded", spectra.unfolded, spectra.total),
        bands=tuple(bands),
        others=(Series("simulation", spectra.prior, nothing),),
    )


def _bins(spectra: LevelSpectra) -> Table:
    rows = []
    columns = (spectra.unfolded, spectra.statistical, spectra.network, spectra.total)
    for low, high, *values in zip(spectra.edges, spectra.edges[1:], *columns, strict=False):
        shown = (plain(v, 6 if i == 0 else 3) for i, v in enumerate(values))
        rows.append((f"{plain(low, 4)} to {plain(high, 4)}", *shown))
    unit = f" [{spectra.unit}]" if spectra.unit else ""
    return Table(
        f"Bins of {spectra.name}{unit}",
        ("bin", "unfolded", "± statistics", "± network", "± total"),
        tuple(rows),
        frozenset({1, 2, 3, 4}),
        folded=True,
    )


def detector(found: Diagnostics) -> Section:
    """Folded spectra over the measured ones with pulls, the response, and the correlations."""
    figures: list[Figure] = []
    for spectra in found.spectra:
        figures.append(_detector_figure(spectra))
        figures.append(_response_figure(spectra))
        if spectra.correlation:
            figures.append(_correlation_figure(spectra))
    lead = (
        "The unfolded sample seen through the simulated detector should look like the data. That "
        "it does is necessary, not sufficient: different truths can look alike."
    )
    return Section("detector", "Detector level", lead, (), (), tuple(figures))


def _detector_figure(spectra: LevelSpectra) -> BandsFigure:
    nothing = (math.nan,) * len(spectra.measured)
    data = Series("measured", spectra.measured, spectra.measured_error)
    simulated = Series("simulation", spectra.simulated, nothing)
    text = "Below, ratios to it"
    if not spectra.folded:
        return BandsFigure(
            id=f"detector-{spectra.name}",
            title=f"Measured {spectra.name}",
            caption=f"Measured less background, and the simulation. {text}.",
            alternative=f"Measured and simulated spectra of {spectra.name}.",
            axis=spectra.name,
            unit=spectra.unit,
            edges=spectra.edges,
            nominal=simulated,
            bands=(),
            others=(data,),
        )
    pulls = tuple(
        (m - f) / math.hypot(a, b) if math.hypot(a, b) > 0 else math.nan
        for m, a, f, b in zip(
            spectra.measured,
            spectra.measured_error,
            spectra.folded,
            spectra.folded_error,
            strict=True,
        )
    )
    known = [p for p in pulls if math.isfinite(p)]
    worst = max(map(abs, known), default=math.nan)
    width = math.sqrt(sum(p * p for p in known) / len(known)) if known else math.nan
    return BandsFigure(
        id=f"detector-{spectra.name}",
        title=f"Folded {spectra.name}",
        caption=(
            f"The unfolded sample at detector level and the measured events less background. "
            f"{text} and pulls, of width {plain(width, 2)}: below 1, because the fit saw the data."
        ),
        alternative=f"The largest pull of {spectra.name} is {plain(worst, 2)}.",
        axis=spectra.name,
        unit=spectra.unit,
        edges=spectra.edges,
        nominal=Series("folded", spectra.folded, spectra.folded_error),
        bands=(("simulated events", spectra.folded_error),),
        others=(data, simulated),
        pulls=pulls,
    )


def _response_figure(spectra: LevelSpectra) -> MatrixFigure:
    diagonal = [row[i] for i, row in enumerate(spectra.response) if any(row)]
    stay = sum(diagonal) / len(diagonal) if diagonal else math.nan
    # Drawn with the reconstructed value upwards.
    upwards = tuple(zip(*spectra.response, strict=True))
    return MatrixFigure(
        id=f"response-{spectra.name}",
        title=f"Response of {spectra.name}",
        caption="Where events of a truth bin are reconstructed; columns add up to 1.",
        alternative=f"On average {plain(100 * stay, 2)} % of the events stay in their bin.",
        axes=(f"true {spectra.name}", f"reconstructed {spectra.name}"),
        edges=spectra.edges,
        rows=upwards,
        scale="P(reco bin | truth bin)",
    )


def _correlation_figure(spectra: LevelSpectra) -> MatrixFigure:
    bins = range(len(spectra.correlation))
    others = [spectra.correlation[i][j] for i in bins for j in bins if i < j]
    lowest, highest = min(others, default=math.nan), max(others, default=math.nan)
    return MatrixFigure(
        id=f"correlation-{spectra.name}",
        title=f"Correlation of the bins of {spectra.name}",
        caption="Of the total errors, from the replicas.",
        alternative=f"Between {plain(lowest, 2)} and {plain(highest, 2)} for different bins.",
        axes=(spectra.name, spectra.name),
        edges=spectra.edges,
        rows=spectra.correlation,
        scale="correlation",
        signed=True,
    )
