"""Histograms of a program's events made when the run file asks for none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch

from crosshook.core.config import HistogramSpec
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.histograms import axis_range

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch

BINS: Final = 40
MOST: Final = 8
"""Histograms at most."""
PRESENT: Final = 0.9
"""Share of the events that must have a quantity."""
NAMES: Final = {
    "top": "t",
    "higgs": "H",
    "z": "Z",
    "w": "W",
    "lepton": "\\ell",
    "photon": "\\gamma",
    "jet": "j",
}
WHOLE: Final = (
    ("m", "m", "$m$", "GeV"),
    ("m_leptons", "mll", "$m(\\ell\\ldots)$", "GeV"),
    ("ht", "ht", "$H_T$", "GeV"),
)


def standard_histograms(survey: EventBatch) -> list[HistogramSpec]:
    """Mass and H_T of the final state, p_T and y of the hardest of every kind of particle.

    Args:
        survey: some of the events, which say what there is and fix the axes.
    """
    wanted = list(WHOLE)
    for number in range(2):
        for kind, symbol in NAMES.items():
            place, name = f"{kind}[{number}]", f"{symbol}_{number + 1}"
            wanted.append((f"pt_{kind}_{number + 1}", f"pt[{place}]", f"$p_T({name})$", "GeV"))
            if number == 0:
                wanted.append((f"y_{kind}_{number + 1}", f"y[{place}]", f"$y({name})$", ""))
    weight = np.abs(np.asarray(survey.event["weight"], np.float64))
    found: list[HistogramSpec] = []
    for key, text, label, unit in wanted:
        values = EventExpression.quantity(text, survey.info, key).values(survey)
        there = np.isfinite(values)
        if len(found) == MOST or np.count_nonzero(there) < PRESENT * len(values):
            continue
        low, high = axis_range(
            torch.from_numpy(values[there]), torch.from_numpy(weight[there]), BINS
        )
        found.append(HistogramSpec(key, text, BINS, low, high, label, unit))
    return found
