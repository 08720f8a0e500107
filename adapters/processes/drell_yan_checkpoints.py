"""Stored |M|² of Drell-Yan that other programs computed."""

from crosshook.adapters.processes.flavours import light_quarks
from crosshook.core.interfaces.matrix_element import CheckPoint

_ORIGIN = (
    "MadGraph5_aMC@NLO's ALOHA helicity routines, compiled, with the couplings of its sm model; "
    "they give MadGraph's own e+ e- > mu+ mu- value to 5e-10"
)
_PARAMETERS = {
    "alpha_qed_inverse": 132.183,
    "sin2_theta_w": 0.223013,
    "mass_z": 91.1876,
    "width_z": 2.4952,
}
_TOLERANCE = 1e-10
"""Rounding of the sum over sixteen helicities, with a wide margin."""

_POINTS = (
    (
        {1: 0.00105002710972874, 2: 0.00066975164160494756},
        (
            (70.481344761466687, 0.0, 0.0, 70.481344761466687),
            (17.380485632699333, 0.0, 0.0, -17.380485632699333),
            (59.861172935713213, 17.405079111578601, 21.933153469569536, 52.908978682633474),
            (28.0006574584528, -17.405079111578601, -21.933153469569536, 0.19188044613387056),
        ),
    ),
    (
        {1: 0.76727204105853497, 2: 0.6185284635488979},
        (
            (15.1768576159135, 0.0, 0.0, 15.1768576159135),
            (136.9713448626089, 0.0, 0.0, -136.9713448626089),
            (94.343274326265501, -14.061063689287462, 41.158104578639211, -83.719473995126052),
            (57.804928152256885, 14.061063689287462, -41.158104578639211, -38.075013251569338),
        ),
    ),
    (
        {1: 0.017249172666165248, 2: 0.019785541007332826},
        (
            (272.41678334173133, 0.0, 0.0, 272.41678334173133),
            (11.104308489706048, 0.0, 0.0, -11.104308489706048),
            (252.81834772782943, -28.131617350433562, 6.9317822563021858, 251.1527014543735),
            (30.702744103607941, 28.131617350433562, -6.9317822563021858, 10.159773397651755),
        ),
    ),
)
"""Values by PDG id of the quark, below, at and above the Z; momenta of q, q̄, ℓ-, ℓ+."""


def checkpoints(light_flavours: int) -> tuple[CheckPoint, ...]:
    """The stored values for the first flavour of each type that takes part."""
    return tuple(
        CheckPoint(
            subprocess=pdg - 1,
            momenta=momenta,
            alpha_s=0.118,
            value=values[pdg],
            tolerance=_TOLERANCE,
            origin=_ORIGIN,
            parameters=_PARAMETERS,
        )
        for values, momenta in _POINTS
        for pdg in light_quarks(min(light_flavours, 2))
    )
