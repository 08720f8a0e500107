"""Stored |M|² of pp -> tt̄ that other programs computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

_WIDTH_EFFECT = 1e-4
"""MadGraph keeps Γ_t = 1.4915 GeV in the t-channel propagators: relative size (Γ_t/m_t)²."""

_ROUNDING = 1e-10
"""Rounding of the sum over sixteen helicities, with a wide margin."""

_GLUONS = CheckPoint(
    subprocess=0,
    momenta=(
        (129.73610414, 0.0, 0.0, 129.73610414),
        (332.972112, 0.0, 0.0, -332.972112),
        (179.04631147, -25.264209343, 34.424597237, 17.471361736),
        (283.66190467, 25.264209343, -34.424597237, -220.70736959),
    ),
    alpha_s=0.1148591,
    value=0.7450469128514805,
    tolerance=_WIDTH_EFFECT,
    origin="MadGraph5_aMC@NLO 3.7.1 standalone C++ (cudacpp), first event of its gg_tt file",
    parameters={"mass_t": 173.0},
)

_GLUONS_NO_WIDTH = CheckPoint(
    subprocess=0,
    momenta=(
        (500.0, 0.0, 0.0, 500.0),
        (500.0, 0.0, 0.0, -500.0),
        (500.0, 281.47035367867784, 0.0, 375.2938049049038),
        (500.0, -281.47035367867784, 0.0, -375.2938049049038),
    ),
    alpha_s=0.1148591,
    value=2.084352800851677,
    tolerance=_ROUNDING,
    origin="MadGraph5_aMC@NLO's ALOHA helicity routines, compiled, Γ_t = 0, for its g g > t t~",
    parameters={"mass_t": 173.0},
)

_QUARK_POINTS = (
    (
        0.90876359876552237,
        (
            (283.44669255184135, 0.0, 0.0, 283.44669255184135),
            (127.36080874677147, 0.0, 0.0, -127.36080874677147),
            (220.12570866235319, 65.512891258012374, 27.698406163818234, 116.79014080436411),
            (190.68179263625964, -65.512891258012374, -27.698406163818234, 39.295743000705784),
        ),
    ),
    (
        0.82718477802087909,
        (
            (182.95634688326959, 0.0, 0.0, 182.95634688326959),
            (1106.8214000206274, 0.0, 0.0, -1106.8214000206274),
            (986.20529884115501, -199.78496324053106, 149.24382219368283, -938.43321097581145),
            (303.57244806274184, 199.78496324053106, -149.24382219368283, 14.568157838453772),
        ),
    ),
)


def checkpoints(light_flavours: int) -> tuple[CheckPoint, ...]:
    """The stored values of the subprocesses that take part."""
    gluons = (_GLUONS, _GLUONS_NO_WIDTH)
    quarks = tuple(
        CheckPoint(
            subprocess=1,
            momenta=momenta,
            alpha_s=0.118,
            value=value,
            tolerance=_ROUNDING,
            origin=(
                "MadGraph5_aMC@NLO's ALOHA helicity routines, compiled, with the colour matrix "
                "of its u u~ > t t~"
            ),
            parameters={"mass_t": 172.5},
        )
        for value, momenta in _QUARK_POINTS
    )
    return (*gluons, *quarks) if light_flavours else gluons
