"""Charged leptons and their neutrinos by the names run files use."""

CHARGED = {"e": 11, "mu": 13, "tau": 15}
"""PDG ids of the negative leptons; the neutrino follows each."""


def w_products(lepton: str, charge: int) -> tuple[int, int]:
    """PDG ids of the charged lepton and the neutrino of a W of this charge."""
    pdg = -charge * CHARGED[lepton]
    return pdg, charge * (CHARGED[lepton] + 1)


def w_decay_name(lepton: str, charge: int) -> str:
    """The pair for labels, e.g. `mu+ vm`."""
    sign, tilde = ("+", "") if charge > 0 else ("-", "~")
    return f"{lepton}{sign} v{lepton[0]}{tilde}"
