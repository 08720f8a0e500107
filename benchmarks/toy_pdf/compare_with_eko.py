"""Compares the exact leading-order evolution with EKO's operators (arXiv:2202.02338).

    python benchmarks/toy_pdf/compare_with_eko.py FOLDER

Needs an environment with eko 0.15.7 and banana-hep 0.6.17, and ten minutes of one core. FOLDER
keeps EKO's operators; largest relative differences are printed for each scale.
"""

import math
import sys
from pathlib import Path

import lo_evolution
import numpy as np
from banana import toy
from eko.interpolation import XGrid
from eko.io import EKO
from eko.io.types import ReferenceRunning
from eko.runner import managed
from ekobox import apply, cards

SCALES = [(2.0, 4), (4.5, 4), (10.0, 5), (100.0, 5), (1000.0, 5), (10000.0, 5)]


def main(folder: Path) -> None:
    """Evolves the toy densities with EKO and prints the table."""
    x = np.concatenate([np.geomspace(1e-6, 0.1, 28), np.linspace(0.1, 1.0, 23)[1:]])
    theory, operator = cards.example.theory(), cards.example.operator()
    theory.order = (1, 0)
    masses = (lo_evolution.Q_START, lo_evolution.Q_BOTTOM, 175.0)
    theory.heavy.masses = type(theory.heavy.masses)(
        [ReferenceRunning([mass, math.nan]) for mass in masses]
    )
    theory.couplings.alphas = lo_evolution.ALPHA_START
    theory.couplings.ref = operator.init = (lo_evolution.Q_START, 4)
    operator.mugrid = SCALES
    operator.xgrid = XGrid([float(knot) for knot in x])
    path = folder / "operators.tar"
    if not path.exists():
        managed.solve(theory, operator, path=path)
    with EKO.read(path) as operators:
        evolved, _ = apply.apply_pdf(operators, toy.mkPDF("ToyLH", 0))
    for scale, flavours in SCALES:
        (densities,) = (
            values
            for (q2, active), values in evolved.items()
            if math.isclose(q2, scale**2) and active == flavours
        )
        found = np.stack([x * densities[flavour] for flavour in lo_evolution.FLAVOURS], axis=1)
        exact = lo_evolution.xf(x[:-1], scale)
        present = np.abs(exact[0]) > 0.0
        difference = np.abs(found[:-1, present] / exact[:, present] - 1.0).max(axis=1)
        for low, high in ((1e-6, 0.1), (0.1, 0.7)):
            inside = (x[:-1] >= low) & (x[:-1] < high)
            print(f"Q = {scale:7g} GeV, {low:g} <= x < {high:g}: {difference[inside].max():.1e}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
