"""Small files of events for unfolding: a falling quantity and a count, smeared, lost and faked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Columns = dict[str, NDArray[np.generic]]

SEED = 20261122


def simulated(n: int = 400, seed: int = SEED, shift: float = 0.0) -> Columns:
    """Events with truth, reconstruction and flags; columns of a missing level are NaN."""
    rng = np.random.default_rng(seed)
    m = 20.0 + shift + 8.0 * rng.standard_normal(n)
    k = rng.poisson(5.0 + shift, n).astype(float)
    columns: Columns = {
        "truth_m": m,
        "truth_k": k,
        "reco_m": m + 2.0 * rng.standard_normal(n),
        "reco_k": k + rng.integers(-1, 2, n),
    }
    chance = rng.random(n)
    flags = {"truth": chance > 0.05, "reco": chance < 0.85}
    for level, there in flags.items():
        for name in ("m", "k"):
            columns[f"{level}_{name}"][~there] = np.nan
        columns[f"pass_{level}"] = there
    return columns


def measured(n: int = 300, seed: int = SEED + 1, shift: float = 2.0) -> Columns:
    """Reconstructed events of another truth, all of them seen."""
    made = simulated(2 * n, seed, shift)
    seen = made["pass_reco"]
    return {name: made[name][seen][:n] for name in ("reco_m", "reco_k")}


def write(path: Path, columns: Mapping[str, object]) -> Path:
    """Writes columns as Parquet."""
    parquet.write_table(pa.table(dict(columns)), path)
    return path


def write_pair(folder: Path) -> tuple[Path, Path]:
    """A simulation and a measurement."""
    return (
        write(folder / "simulation.parquet", simulated()),
        write(folder / "measured.parquet", measured()),
    )
