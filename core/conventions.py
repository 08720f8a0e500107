"""Units, axes and signs that hold everywhere in crosshook, and the constants that go with them.

Axes: n events (always first), d unit-cube dimensions, k channels, m external legs, f reconstructed
and g truth features, s draws, p subprocesses.

Momenta are `(n, m, 4)` = (E, px, py, pz) in GeV with metric (+,-,-,-), in the lab frame, the first
n_in rows incoming with positive energy. Cross sections and weights are in pb (GeV for n_in = 1).
Logarithms are natural. |∂x/∂u| is the Jacobian to dx1 dx2 dΦ_n with (2π)^(4-3n) inside; dσ/dx
holds flux, parton densities and 1/n! of identical particles; |M|² is averaged over initial and
summed over final states, with 1/n!.

`log_det` is log|∂output/∂input| of that very call, `(n,)`. Tensors are float64 in and out. `-inf`
is the only way to say "zero density" or "closed channel"; NaN is a defect: counted, reported,
never averaged.
"""

from typing import Final

PICOBARN_GEV2: Final = 0.3893793721e9
"""(ħc)² in pb GeV² (PDG 2022, exact in the 2019 SI to the digits given)."""

ANY_HELICITY: Final = 9.0
"""SPINUP of a particle whose helicity was summed over (hep-ph/0109068)."""
