"""Stored |M|² of e+e- -> μ+μ- that other programs computed."""

from crosshook.core.interfaces.matrix_element import CheckPoint

CHECKPOINTS = (
    CheckPoint(
        subprocess=0,
        momenta=(
            (500.0, 0.0, 0.0, 500.0),
            (500.0, 0.0, 0.0, -500.0),
            (500.0, 40.713651256, -83.575421761, 491.28153586),
            (500.0, -40.713651256, 83.575421761, -491.28153586),
        ),
        alpha_s=0.118,
        value=0.03324774737827885,
        tolerance=1e-8,
        origin="MadGraph5_aMC@NLO 3.7.1 standalone C++ (cudacpp), first event of its ee_mumu file",
        parameters={
            "alpha_qed_inverse": 132.507,
            "sin2_theta_w": 0.222246486,
            "mass_z": 91.188,
            "width_z": 2.441404,
        },
    ),
)
