"""Stored |M|² of t -> b ℓ+ ν that a second method computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

_ORIGIN = (
    "explicit Dirac matrices in numpy, every spin of every leg, no Fierz identity "
    "(tests/adapters/processes/test_dirac_matrices.py)"
)
_PARAMETERS = {
    "fermi_constant": 1.16639e-5,
    "mass_t": 173.0,
    "mass_w": 80.419,
    "width_w": 2.0476,
}
_TOLERANCE = 1e-10
"""Rounding: the denominator of the W magnifies that of the momenta by m/Γ."""

_POINTS = (
    (
        434.10676594801544,
        (
            (173.0, 0.0, 0.0, 0.0),
            (68.25449934223825, -63.61881287030086, -22.88686016465004, -8.08856978933847),
            (52.806290461551704, 46.581341828173564, -24.251595889394096, -5.526572411010111),
            (51.939210196210055, 17.037471042127308, 47.13845605404414, 13.615142200348611),
        ),
    ),
    (
        302.1662717605086,
        (
            (173.0, 0.0, 0.0, 0.0),
            (67.34908960977913, 41.50738957937065, -47.644551754489754, -22.82417949644975),
            (28.833282558793183, 24.64401611469015, 10.551461204450348, 10.615899363929497),
            (76.81762783142767, -66.15140569406083, 37.09309055003938, 12.208280132520251),
        ),
    ),
    (
        1.258420209921304,
        (
            (173.0, 0.0, 0.0, 0.0),
            (57.2393229951802, -2.65030250266815, -48.57104229984945, 29.80066850755452),
            (60.59215284827378, 0.9222996001279096, 2.779976755190236, -60.52131921461047),
            (55.16852415654603, 1.7280029025402397, 45.79106554465922, 30.72065070705595),
        ),
    ),
)
"""Two points near the resonance and one far off it, bottom mass 4.7 GeV."""

CHECKPOINTS = tuple(
    CheckPoint(
        subprocess=0,
        momenta=momenta,
        alpha_s=0.118,
        value=value,
        tolerance=_TOLERANCE,
        origin=_ORIGIN,
        parameters=_PARAMETERS,
    )
    for value, momenta in _POINTS
)
