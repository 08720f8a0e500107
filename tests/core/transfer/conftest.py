"""A detector for tests of transfer functions: pairs of truth and reconstruction with known T and ε.

pt is smeared by 10 % + 2 GeV, phi by 0.3 around the circle, and an event is kept with the chance
1/(1 + exp((30 GeV − pt)/5 GeV)).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from pathlib import Path

N_EVENTS = 6000


def detector(n: int, seed: int) -> dict[str, np.ndarray]:
    """Columns of paired events."""
    rng = np.random.default_rng(seed)
    pt = 20.0 + rng.exponential(20.0, n)
    phi = rng.uniform(-math.pi, math.pi, n)
    seen = pt + np.sqrt(4.0 + (0.1 * pt) ** 2) * rng.standard_normal(n)
    angle = np.remainder(phi + 0.3 * rng.standard_normal(n) + math.pi, 2 * math.pi) - math.pi
    kept = rng.random(n) < 1.0 / (1.0 + np.exp((30.0 - pt) / 5.0))
    seen[~kept] = np.nan
    return {
        "truth_pt": pt,
        "truth_phi": phi,
        "reco_pt": seen,
        "reco_phi": angle,
        "pass_reco": kept,
    }


RUN_FILE = """
events: {file: paired.parquet}
units: {pt: GeV, phi: rad}
transfer: {use: gaussian, options: {epochs: 12, acceptance_epochs: 12, batch: 256}}
held_out: 0.3
simulate: {pt: "pt[0]", phi: "phi[0]"}
output: {directory: unused}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with paired.parquet and transfer.yaml."""
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path_factory.mktemp("transfer")
    parquet.write_table(pa.table(detector(N_EVENTS, 1)), path / "paired.parquet")
    (path / "transfer.yaml").write_text(RUN_FILE, "utf-8")
    return path


@pytest.fixture(scope="session")
def trained(folder: Path) -> Path:
    """The directory of a Gaussian response trained on these events."""
    from crosshook.core.transfer.training import train_transfer

    train_transfer(folder / "transfer.yaml", output=folder / "trained")
    return folder / "trained"
