"""The model card: what a trained surrogate is, for those who find it (schemas/v1/model_card.json)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook import schemas
from crosshook.core.model import read_document
from crosshook.core.options import validate
from crosshook.core.surrogates.models import INTERFACE

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from crosshook.core.surrogates.points import Points
    from crosshook.core.surrogates.result import SurrogateReport
    from crosshook.core.surrogates.run_file import SurrogateConfig

FORMAT = "crosshook-model-card/1"
SETTINGS = ("process", "beams", "scales", "cuts", "alpha_s")


def model_card(
    config: SurrogateConfig, points: Points, report: SurrogateReport, folder: Path
) -> dict[str, object]:
    """The card of a model.

    Args:
        config: what was asked for.
        points: all of them.
        report: what came of it.
        folder: of the saved model.
    """
    table, judged = points.table, report.evaluation
    low, high, smallest = _region(table.momenta, table.n_incoming)
    given = {key: value for key, value in config.card.items() if key != "title"}
    settings = {}
    if config.table is None:
        settings = {k: config.document[k] for k in SETTINGS if k in config.document}
    card = {
        "format": FORMAT,
        "identifier": f"sha256:{read_document(folder)['sha256']}",
        "title": report.title,
        **given,
        "created": report.created,
        "interface": INTERFACE,
        "component": report.component,
        "options": report.options,
        "process": {
            "name": report.process,
            "pdg": [list(pdg) for pdg in table.pdg],
            "qcd_order": list(table.qcd_order),
            "settings": settings,
        },
        "data": {
            "source": report.source,
            "files": dict(points.files),
            "points": report.points,
            "held_out": judged.n + judged.zeros,
            "seed": report.seed,
            "energy": [low, high],
            "smallest_pair": smallest,
        },
        "accuracy": {
            "median_abs_delta": judged.deviations.median,
            "p99_abs_delta": judged.deviations.q99,
            "eps2": judged.efficiency,
            "pull_width": judged.pull_width,
            "us_per_point": judged.microseconds,
        },
        "versions": report.versions,
    }
    return validate(schemas.load("v1/model_card"), card, "model card:")


def _region(momenta: Tensor, n_incoming: int) -> tuple[float, float, float]:
    """Smallest and largest √ŝ in GeV, and the smallest 2p_i·p_j/ŝ."""
    metric = momenta.new_tensor([1.0, -1.0, -1.0, -1.0])
    total = momenta[:, :n_incoming].sum(dim=1)
    s = (total.square() * metric).sum(dim=1)
    smallest = min(
        float((2 * (momenta[:, i] * momenta[:, j] * metric).sum(dim=1) / s).min())
        for i in range(momenta.shape[1])
        for j in range(i)
    )
    return float(s.min()) ** 0.5, float(s.max()) ** 0.5, smallest
