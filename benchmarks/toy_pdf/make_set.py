"""Writes the shipped parton density set ToyLH_LO from the exact leading-order evolution.

    python benchmarks/toy_pdf/make_set.py [--output FOLDER]

Needs numpy and scipy, and takes a second. FOLDER/ToyLH_LO/ is a valid LHAPDF6 set.
"""

import argparse
import math
from pathlib import Path

import lo_evolution
import numpy as np
from numpy.typing import NDArray

NAME = "ToyLH_LO"
X_MIN, Q_MAX = 1e-6, 1e5
X_KNOTS, Q_KNOTS_BELOW, Q_KNOTS_ABOVE = 70, 11, 21
EDGE = 0.3
"""Width of the outermost cells, where slopes are one-sided, relative to their neighbours'."""

INFO = """\
SetDesc: "Les Houches benchmark toy densities (hep-ph/0204316), evolved at leading order. mem=0 => the only member. Not a fit to data"
SetIndex: 0
Authors: the crosshook developers; input of W. Giele et al.
Reference: hep-ph/0204316
Format: lhagrid1
DataVersion: 1
NumMembers: 1
Particle: 2212
Flavors: [{flavours}]
OrderQCD: 0
FlavorScheme: variable
NumFlavors: 5
ErrorType: none
XMin: {x_min:.7e}
XMax: 1.0000000e+00
QMin: {q_min:.7e}
QMax: {q_max:.7e}
MZ: 9.1187600e+01
MUp: 0
MDown: 0
MStrange: 0
MCharm: {charm:.7e}
MBottom: {bottom:.7e}
MTop: 1.7500000e+02
AlphaS_MZ: {alpha_z:.7e}
AlphaS_OrderQCD: 0
AlphaS_Type: ipol
AlphaS_Qs: [{qs}]
AlphaS_Vals: [{alphas}]
"""


def x_knots() -> NDArray[np.float64]:
    """Knots even in log x + 18 x, so that both the rise at small x and the fall to 1 are caught."""
    positions = np.geomspace(X_MIN, 1.0, 20001)
    measure = np.log(positions) + 18.0 * positions
    even = np.interp(np.linspace(measure[0], measure[-1], X_KNOTS - 1), measure, positions)
    even[0], even[-1] = X_MIN, 1.0
    return np.insert(even, 1, even[0] * (even[1] / even[0]) ** EDGE)


def q_knots(start: float, end: float, count: int) -> NDArray[np.float64]:
    """Knots of one subgrid, even in log log(Q / 0.25 GeV), the variable α_s evolves in.

    They begin with a step of 2 % in Q that grows 1.8-fold: a heavy quark starts from zero there.
    """
    first, last = (math.log(math.log(q / 0.25)) for q in (start, end))
    step = math.log(math.log(start * math.exp(0.02) / 0.25)) - first
    growing = step * 1.8 ** np.arange(count - 2)
    low, high = step, last - first
    for _ in range(100):  # the even step that makes the steps add up
        even = 0.5 * (low + high)
        if np.minimum(growing, even).sum() > last - first:
            high = even
        else:
            low = even
    inner = first + np.cumsum(np.minimum(growing, even))[:-1]
    positions = np.concatenate([[first], inner, [last - EDGE * even, last]])
    knots = 0.25 * np.exp(np.exp(positions))
    knots[0], knots[-1] = start, end
    return knots


def rounded(knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Knots as the file has them, so that values are those of the printed positions."""
    return np.array([float(f"{knot:.7e}") for knot in knots])


def text(values: NDArray[np.float64], separator: str = " ") -> str:
    """Numbers with eight significant digits; exact zeros are short."""
    return separator.join("0" if value == 0.0 else f"{value:.7e}" for value in values)


def subgrid(x: NDArray[np.float64], q: NDArray[np.float64], active: int) -> str:
    """One block of the .dat file, with Q running fastest."""
    values = np.zeros((len(x), len(q), len(lo_evolution.FLAVOURS)))
    for number, scale in enumerate(q):
        values[:-1, number] = lo_evolution.xf(x[:-1], float(scale))
    heavy = [abs(flavour) > active and flavour != 21 for flavour in lo_evolution.FLAVOURS]
    values[:, :, heavy] = 0.0
    rows = values.reshape(-1, len(lo_evolution.FLAVOURS))
    flavours = " ".join(str(flavour) for flavour in lo_evolution.FLAVOURS)
    return "\n".join([text(x), text(q), flavours, *(text(row) for row in rows), "---\n"])


def main() -> None:
    """Writes the set's two files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--output", type=Path, default=Path())
    folder = parser.parse_args().output / NAME
    folder.mkdir(parents=True, exist_ok=True)

    x = rounded(x_knots())
    below = rounded(q_knots(lo_evolution.Q_START, lo_evolution.Q_BOTTOM, Q_KNOTS_BELOW))
    above = rounded(q_knots(lo_evolution.Q_BOTTOM, Q_MAX, Q_KNOTS_ABOVE))
    qs = np.concatenate([below, above])
    info = INFO.format(
        flavours=", ".join(str(flavour) for flavour in lo_evolution.FLAVOURS),
        x_min=X_MIN,
        q_min=below[0],
        q_max=Q_MAX,
        charm=lo_evolution.Q_START,
        bottom=lo_evolution.Q_BOTTOM,
        alpha_z=lo_evolution.alpha_s(91.1876),
        qs=text(qs, ", "),
        alphas=text(np.array([lo_evolution.alpha_s(float(q)) for q in qs]), ", "),
    )
    (folder / f"{NAME}.info").write_text(info, encoding="utf-8")
    grid = "".join(
        ["PdfType: central\nFormat: lhagrid1\n---\n", subgrid(x, below, 4), subgrid(x, above, 5)]
    )
    (folder / f"{NAME}_0000.dat").write_text(grid, encoding="utf-8")


if __name__ == "__main__":
    main()
