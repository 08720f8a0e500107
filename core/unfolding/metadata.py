"""metadata.yaml: what the rows, columns and weights of an unfolded sample mean, for those who use it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.unfolding.covariance import COVARIANCE_DATA
from crosshook.core.unfolding.directory import checksum
from crosshook.core.unfolding.posterior_draws import MEANING
from crosshook.core.unfolding.weighted_events import PRIOR, column_names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crosshook.core.interfaces.unfolder import WeightFamily
    from crosshook.core.unfolding.result import UnfoldReport
    from crosshook.core.unfolding.run_file import EventFiles, UnfoldConfig
    from crosshook.core.unfolding.tables import Table

FORMAT = "crosshook-unfolding/1"

MEANINGS: Mapping[str, str] = {
    "nominal": "the result",
    "iteration": (
        "the result after each iteration, the last one being nominal; the choice of the number of "
        "iterations is a regularisation"
    ),
    "ensemble": "fits to the same events with other seeds of the networks: their spread",
    "bootstrap_data": (
        "fits to the measured events with Poisson(1) weights: their covariance is that of the data"
    ),
    "bootstrap_mc": (
        "fits to the simulated events with Poisson(1) weights: their covariance is that of the "
        "simulation's statistics"
    ),
    "systematic": (
        "fits with varied simulations: each column less nominal is one variation, and NAME_up and "
        "NAME_down are one source"
    ),
}
MEMBERS = "members of the method's own ensemble, whose average is the result"
COVARIANCE = (
    "the covariance of the measured events as eigenvectors: the covariance of any sum is the sum "
    "over columns of (column less nominal)(column less nominal)ᵀ"
)


def metadata(
    config: UnfoldConfig,
    report: UnfoldReport,
    table: Table,
    families: Mapping[str, WeightFamily],
    files: Mapping[str, Path],
) -> dict[str, object]:
    """The document.

    Args:
        config: what was asked for.
        report: what came of it.
        table: truth columns, with the simulation's weights if rows are its events.
        families: weights.
        files: written event files by name.
    """
    truth = [name for name in table.columns if name != PRIOR]
    reused = PRIOR in table.columns
    return {
        "format": FORMAT,
        **{key: value for key, value in config.card.items() if value},
        "title": report.title,
        "created": report.created,
        "rows": table.length,
        "row_order": (
            "immutable: weights belong to rows by their position"
            + ("; rows are the simulated events with truth, in their order" if reused else "")
        ),
        "rows_sha256": rows_checksum(table, truth),
        "normalisation": (
            "sums of weights_nominal are numbers of true events in the fiducial region: measured "
            "less background, fakes removed, corrected for efficiency"
        ),
        "total": report.total,
        "files": {
            name: {"sha256": checksum(path), "bytes": path.stat().st_size}
            for name, path in files.items()
        },
        "columns": truth,
        "unfolded": list(report.truth),
        "units": {name: unit for name, unit in config.units.items() if unit},
        "weights": {
            **{
                name: {
                    "kind": family.kind,
                    "meaning": _meaning(name, family),
                    "columns": dict(zip(column_names(name, family), family.labels, strict=True)),
                }
                for name, family in families.items()
            },
        },
        **({"weights_of_simulation": PRIOR} if reused else {}),
        **({"posterior": {"draws": config.draws, "meaning": MEANING}} if config.draws else {}),
        "method": {
            "name": report.method,
            "options": report.options,
            "iterations": report.iterations,
            "reco": list(report.reco),
            "seed": report.seed,
            "versions": report.versions,
        },
        "inputs": {
            "simulation": {
                **_files(config.simulation.events),
                "pass_truth": config.simulation.pass_truth or "column pass_truth, or all",
                **(
                    {"truth": [_named(path) for path in config.simulation.truth_file.files]}
                    if config.simulation.truth_file is not None
                    else {}
                ),
            },
            "measured": _files(config.measured),
            **({} if config.background is None else {"background": _files(config.background)}),
        },
        "counts": dict(vars(report.counts)),
        "recommended_binning": {h.name: list(h.edges) for h in report.histograms},
        "notes": list(report.notes),
    }


def _meaning(name: str, family: WeightFamily) -> str:
    if name == COVARIANCE_DATA:
        return COVARIANCE
    if family.kind == "ensemble" and name != "ensemble":
        return MEMBERS
    return MEANINGS[family.kind]


def rows_checksum(table: Table, names: list[str]) -> str:
    """SHA-256 over the columns of numbers, each as float64, in the order given."""
    digest = hashlib.sha256()
    for name in names:
        column = table.columns[name]
        if isinstance(column, np.ndarray):
            digest.update(np.ascontiguousarray(column, np.float64).tobytes())
    return digest.hexdigest()


def _files(events: EventFiles) -> dict[str, object]:
    return {
        "files": [_named(path) for path in events.files],
        "selection": events.selection or "none",
        "pass_reco": events.pass_reco or "column pass_reco, or all",
        "weight": events.weight or "column weight, or 1",
        **({"scale": events.scale} if events.scale != 1.0 else {}),
    }


def _named(path: Path) -> dict[str, str]:
    return {"name": path.name, "sha256": checksum(path)}
