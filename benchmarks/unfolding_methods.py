"""All unfolders on one measurement: Z+jet, eight observables at once, against nature's truth.

    CROSSHOOK_REFERENCE_DATA=DATA python benchmarks/unfolding_methods.py [--methods NAME ...]
        [--events N] [--replicas B] [--runs FOLDER] [--images FOLDER] [--json FILE] [--set KEY=VALUE ...]

Each method unfolds the first N simulated events and the same share of nature's reconstructed ones with
`crosshook unfold`; what is finished in FOLDER is not done again. Printed is the table of the page
that compares them: Δ of every truth spectrum to nature's, the limit that the statistics of both samples explain
if every event were seen with its truth, the normalisation, and the time. With `--images` the pictures
of that page are drawn. Resamples of the data are for ibu and omnifold: fits of the flows take longer.
"""

from __future__ import annotations

import argparse
import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
import yaml
from records import Record, machine, write

import crosshook
from crosshook.core.report.drawing import draw
from crosshook.core.report.figures import Series
from crosshook.core.report.reading import read_record
from crosshook.core.report.unfolding import unfolding_sections
from crosshook.core.report.unfolding_figures import BandsFigure, Panel, StepsFigure
from crosshook.core.unfolding.directory import UnfoldDirectory
from crosshook.core.unfolding.result import UnfoldReport
from crosshook.core.unfolding.spectra import Binning, delta, noise_of_delta, spectrum
from crosshook.core.unfolding.weighted_events import PRIOR, WeightedEvents, open_unfolding

if TYPE_CHECKING:
    from collections.abc import Sequence

SEED = 20261122
BINNINGS = {
    "m": (np.linspace(0, 70, 26), "GeV"),
    "mult": (np.linspace(0, 75, 26), ""),
    "w": (np.linspace(0, 0.25, 26), ""),
    "tau21": (np.linspace(0, 1.2, 25), ""),
    "lnrho": (np.linspace(-14, -2, 25), ""),
    "zg": (np.concatenate([[0.0], np.linspace(0.1, 0.5, 17)]), ""),
    "pt": (np.concatenate([np.linspace(100, 400, 21), [500, 700, 1000]]), "GeV"),
    "eta": (np.linspace(-2.1, 2.1, 22), ""),
}
METHODS: dict[str, dict[str, object]] = {
    "ibu": {"iterations": 5},
    "omnifold": {},
    "conditional-flow": {},
    "conditional-flow-matching": {},
}
RESAMPLED = ("ibu", "omnifold")
DRAWN = ("m", "tau21")
"""Observables with a picture of all methods: the one that moves, and one that hardly does."""


@dataclass(frozen=True)
class Measurement:
    """The samples.

    Attributes:
        simulation: file of simulated events.
        measured: file of nature's reconstructed events, without their truth.
        truth: nature's truth, sums of weights in the bins of each observable.
        total: nature's true events.
    """

    simulation: Path
    measured: Path
    truth: dict[str, np.ndarray]
    total: int


def measurement(data: Path, events: int, runs: Path) -> Measurement:
    """Slices of the reference samples, nature's reconstructed part in a file of its own."""
    simulated = pq.read_table(data / "unfolding" / "zjet_sim.parquet")
    nature = pq.read_table(data / "unfolding" / "zjet_nature.parquet")
    share = min(1.0, events / simulated.num_rows)
    simulated = simulated.slice(0, round(share * simulated.num_rows))
    nature = nature.slice(0, round(share * nature.num_rows))
    runs.mkdir(parents=True, exist_ok=True)
    files = (
        runs / f"simulation-{simulated.num_rows}.parquet",
        runs / f"nature-{nature.num_rows}.parquet",
    )
    pq.write_table(simulated, files[0])
    seen = nature.filter(pc.field("pass_reco"))
    pq.write_table(seen.select([f"reco_{name}" for name in BINNINGS]), files[1])
    true = nature.filter(pc.field("pass_truth"))
    spectra = {
        name: np.histogram(true[f"truth_{name}"].to_numpy(), edges)[0].astype(float)
        for name, (edges, _) in BINNINGS.items()
    }
    return Measurement(*files, spectra, true.num_rows)


def run(
    method: str, sample: Measurement, runs: Path, replicas: int, settings: Sequence[str]
) -> tuple[UnfoldReport, WeightedEvents]:
    """A finished unfolding, made if it is not there."""
    size = sample.simulation.stem.rpartition("-")[2]
    directory = UnfoldDirectory(runs / f"{method}-{size}")
    if not directory.report.exists():
        document = {
            "simulation": {"file": sample.simulation.name},
            "measured": {"file": sample.measured.name},
            "observables": list(BINNINGS),
            "unfolder": {"use": method, "options": METHODS[method]},
            "replicas": {"bootstrap_data": replicas if method in RESAMPLED else 0},
            "histograms": {
                name: {"edges": edges.tolist(), "unit": unit}
                for name, (edges, unit) in BINNINGS.items()
            },
            "output": {"directory": str(directory.path), "report": "html"},
            "seed": SEED,
        }
        run_file = runs / f"{method}.yaml"
        run_file.write_text(yaml.safe_dump(document, sort_keys=False))
        crosshook.unfold(run_file, settings=settings, overwrite=True)
    document = json.loads(directory.report.read_text(encoding="utf-8"))
    report = read_record(document, UnfoldReport, "report")
    return report, open_unfolding(directory.path)


def spectra_of(events: WeightedEvents, family: str, name: str) -> np.ndarray:
    """Spectra of a family's columns, or of the simulation's own weights, `(k, bins)`."""
    values = torch.from_numpy(np.asarray(events.table.column(name), dtype=np.float64).copy())
    if family == PRIOR:
        weights = torch.from_numpy(np.asarray(events.table.column(PRIOR)).copy())[:, None]
    else:
        weights = events.families[family].weights
    edges, unit = BINNINGS[name]
    return spectrum(values, weights, Binning(name, tuple(edges.tolist()), unit))


def limit(sample: Measurement, events: WeightedEvents, name: str) -> float:
    """Δ that statistics explain between nature's truth and the unfolded sample's rows."""
    values = torch.from_numpy(np.asarray(events.table.column(name), dtype=np.float64).copy())
    weights = events.families["nominal"].weights
    edges, unit = BINNINGS[name]
    binning = Binning(name, tuple(edges.tolist()), unit)
    nature = sample.truth[name]
    content, variance = (spectrum(values, w, binning)[0] for w in (weights, weights.square()))
    return noise_of_delta(nature, nature, content, variance).limit


def records_of(
    method: str, sample: Measurement, report: UnfoldReport, events: WeightedEvents
) -> list[Record]:
    """Δ of every observable, normalisation and time."""
    n = report.counts.simulated
    made = []
    for name in BINNINGS:
        found = delta(sample.truth[name], spectra_of(events, "nominal", name)[0])
        allowed = limit(sample, events, name)
        case = f"zjet/{name}"
        made.append(Record(case, method, "delta", found, 0.0, n, SEED))
        made.append(Record(case, method, "limit", allowed, 0.0, n, SEED))
    made.append(
        Record("zjet", method, "normalisation", report.total / sample.total - 1, 0.0, n, SEED)
    )
    made.append(Record("zjet", method, "cpu_s", report.fit_processor_seconds, 0.0, n, SEED))
    return made


def table(records: Sequence[Record]) -> str:
    """A row a method."""
    methods = list(dict.fromkeys(r.method for r in records))
    names = list(BINNINGS)
    value = {(r.method, r.case, r.metric): r.value for r in records}
    lines = [
        "| method | " + " | ".join(names) + " | normalisation | CPU |",
        "|" + "---|" * (len(names) + 3),
    ]
    for method in methods:
        cells = [f"{value[method, f'zjet/{name}', 'delta']:.2f}" for name in names]
        sums = value.get((method, "zjet", "normalisation"), math.nan)
        spent = value.get((method, "zjet", "cpu_s"), math.nan)
        cells += [
            f"{sums:+.2%}" if math.isfinite(sums) else "",
            f"{spent:.1f} s" if math.isfinite(spent) else "",
        ]
        lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
    last = methods[-1]
    cells = [f"{value[last, f'zjet/{name}', 'limit']:.2f}" for name in names]
    lines.append("| limit of statistics | " + " | ".join(cells) + " | | |")
    return "\n".join(lines)


def compared(name: str, sample: Measurement, known: dict[str, WeightedEvents]) -> BandsFigure:
    """All methods' spectra over nature's truth."""
    edges, unit = BINNINGS[name]
    nature = sample.truth[name]
    error = tuple(np.sqrt(nature).tolist())
    nothing = (math.nan,) * len(nature)
    prior = spectra_of(next(e for e in known.values() if PRIOR in e.table.columns), PRIOR, name)[0]
    shapes = {"simulation": prior} | {
        m: spectra_of(e, "nominal", name)[0] for m, e in known.items()
    }
    return BandsFigure(
        id=f"methods-{name}",
        title=name,
        caption="",
        alternative="",
        axis=name,
        unit=unit,
        edges=tuple(edges.tolist()),
        nominal=Series("nature's truth", tuple(nature.tolist()), error),
        bands=(("its statistics", error),),
        others=tuple(
            Series(label, tuple((h * nature.sum() / h.sum()).tolist()), nothing)
            for label, h in shapes.items()
        ),
    )


def iterations(sample: Measurement, known: dict[str, WeightedEvents]) -> StepsFigure:
    """Δ to nature's truth by iteration, a panel an observable."""
    panels = []
    for name in DRAWN:
        lines = []
        for method, events in known.items():
            family = next((k for k, f in events.families.items() if f.kind == "iteration"), None)
            if family is not None:
                values = [delta(sample.truth[name], h) for h in spectra_of(events, family, name)]
                lines.append((method, tuple(values)))
        # The last method's, as in the table.
        allowed = limit(sample, list(known.values())[-1], name)
        panels.append(Panel(f"Δ of {name}", tuple(lines), 1, (("limit of statistics", allowed),)))
    return StepsFigure("methods-iterations", "", "", "", "iteration", tuple(panels))


def pictures(
    folder: Path,
    sample: Measurement,
    reports: dict[str, UnfoldReport],
    known: dict[str, WeightedEvents],
) -> None:
    """Spectra and iterations of all; detector level, response and convergence of one."""
    made = {f"unfolding-{name}": draw(compared(name, sample, known)) for name in DRAWN}
    made["unfolding-iterations"] = draw(iterations(sample, known))
    chosen = "omnifold" if "omnifold" in reports else next(iter(reports))
    figures = {
        figure.id: figure
        for section in unfolding_sections(reports[chosen].diagnostics)
        for figure in section.figures
    }
    for name, key in (
        ("unfolding-bands", f"truth-{DRAWN[0]}"),
        ("unfolding-pulls", f"detector-{DRAWN[0]}"),
        ("unfolding-response", f"response-{DRAWN[0]}"),
        ("unfolding-convergence", "iterations"),
    ):
        made[name] = draw(figures[key])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")


def main() -> None:
    """Prints the table, draws the pictures and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="20,000 events, `ibu` alone")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--events", type=int, default=173_570, help="simulated events")
    parser.add_argument("--replicas", type=int, default=0, help="resamples of the data")
    parser.add_argument("--runs", type=Path, default=Path("runs/unfolding-methods"))
    parser.add_argument("--images", type=Path, metavar="FOLDER", help="draw the pictures")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    options = parser.parse_args()
    data = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not data:
        parser.error("CROSSHOOK_REFERENCE_DATA is not set: the folder of the reference data")
    events = 20_000 if options.quick else options.events
    sample = measurement(Path(data), events, options.runs)
    records: list[Record] = []
    reports: dict[str, UnfoldReport] = {}
    known: dict[str, WeightedEvents] = {}
    for method in ["ibu"] if options.quick else options.methods:
        reports[method], known[method] = run(
            method, sample, options.runs, options.replicas, options.settings
        )
        records += records_of(method, sample, reports[method], known[method])
        if method == "ibu":
            for name in BINNINGS:
                before = delta(sample.truth[name], spectra_of(known[method], PRIOR, name)[0])
                records.insert(
                    0, Record(f"zjet/{name}", "prior", "delta", before, 0.0, events, SEED)
                )
    print(table(records))
    for method, report in reports.items():
        for warning in report.diagnostics.warnings:
            print(f"{method}: {warning}")
    if options.images:
        pictures(options.images, sample, reports, known)
    if options.json:
        write(options.json, machine(("torch", "numpy", "crosshook")), records)


if __name__ == "__main__":
    main()
