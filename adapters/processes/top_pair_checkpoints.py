"""Stored |M|² of pp -> tt̄ that other programs computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

_WIDTH_EFFECT = 1e-4
"""MadGraph keeps Γ_t = 1.4915 GeV in the t-channel propagators: relative size (Γ_t/m_t)²."""

CHECKPOINTS = (
    CheckPoint(
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
    ),
)
