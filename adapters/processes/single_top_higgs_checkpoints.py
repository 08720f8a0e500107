"""Stored |M|² of pp -> t h j that MadGraph computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

_ORIGIN = (
    "MadGraph5_aMC@NLO 3.4.0 standalone Fortran, model sm-no_b_mass with Γ_t = Γ_W = 0 and, for "
    "α = 0.7, exp(∓iα) in the two chiralities of the t t h vertex"
)
_MASS_W = 80.41900244575616
_PARAMETERS = {
    "alpha_qed_inverse": 132.507,
    "sin2_theta_w": 1 - (_MASS_W / 91.188) ** 2,
    "mass_w": _MASS_W,
    "mass_t": 173.0,
    "cp_odd_factor": 1.0,
}
_QUARK, _ANTIQUARK = 0, 2
"""Subprocesses u b -> t h d and d̄ b -> t h ū."""

_TOLERANCES = {0.0: 1e-11, 0.7: 1e-6}
"""Rounding; and MadGraph keeps eight digits of a number that stands in a coupling."""

_POINTS = (
    (
        {
            (_QUARK, 0.0): 3.826725089026524e-08,
            (_ANTIQUARK, 0.0): 4.111373755465957e-08,
            (_QUARK, 0.7): 1.3270657056814208e-07,
            (_ANTIQUARK, 0.7): 1.0393608341865721e-07,
        },
        (
            (500.0, 0.0, 0.0, 500.0),
            (500.0, 0.0, 0.0, -500.0),
            (302.2027107218749, -112.48077538299162, -219.65203184490403, 22.327974455723634),
            (458.3487818268493, 332.77844350388597, 285.9650267506324, 44.05810727661586),
            (239.44850745127584, -220.29766812089431, -66.31299490572835, -66.38608173233949),
        ),
    ),
    (
        {
            (_QUARK, 0.0): 1.7647482044632575e-07,
            (_ANTIQUARK, 0.0): 1.4249478509799115e-08,
            (_QUARK, 0.7): 1.901447475460167e-07,
            (_ANTIQUARK, 0.7): 4.340591070818591e-08,
        },
        (
            (500.0, 0.0, 0.0, 500.0),
            (500.0, 0.0, 0.0, -500.0),
            (241.63480438186036, -30.78043832440099, 46.450946796285386, 159.22704810096286),
            (405.1478557054538, 275.4268867223682, 208.03310722500834, -171.41190551259618),
            (353.21733991268576, -244.6464483979672, -254.4840540212937, 12.184857411633322),
        ),
    ),
)
"""Values by subprocess and phase, and momenta in GeV: two generic points at √ŝ = 1 TeV."""

CHECKPOINTS = tuple(
    CheckPoint(
        subprocess=subprocess,
        momenta=momenta,
        alpha_s=0.118,
        value=value,
        tolerance=_TOLERANCES[phase],
        origin=_ORIGIN,
        parameters={**_PARAMETERS, "cp_phase": phase},
    )
    for values, momenta in _POINTS
    for (subprocess, phase), value in values.items()
)
