"""A made-up detector: writes paired.parquet, truth of muons and what is shown of them.

pT is smeared by 10 % and 2 GeV, φ by 0.02 and in one of twenty events lost altogether; muons below
30 GeV are lost more often than not. Arguments: number of events, seed.
"""

import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet


def detector(n: int, seed: int) -> dict[str, np.ndarray]:
    """Columns of n paired events."""
    rng = np.random.default_rng(seed)
    pt = 20.0 + rng.exponential(20.0, n)
    phi = rng.uniform(-np.pi, np.pi, n)
    seen = pt + np.sqrt(4.0 + (0.1 * pt) ** 2) * rng.standard_normal(n)
    angle = np.remainder(phi + 0.02 * rng.standard_normal(n) + np.pi, 2 * np.pi) - np.pi
    angle = np.where(rng.random(n) < 0.05, rng.uniform(-np.pi, np.pi, n), angle)
    kept = rng.random(n) < 1.0 / (1.0 + np.exp((30.0 - pt) / 5.0))
    return {
        "truth_pt": pt,
        "truth_phi": phi,
        "reco_pt": np.where(kept, seen, np.nan),
        "reco_phi": np.where(kept, angle, np.nan),
        "pass_reco": kept,
    }


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    parquet.write_table(
        pa.table(detector(number, seed)), Path(__file__).with_name("paired.parquet")
    )
