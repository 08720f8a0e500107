"""The decay chain t -> b W -> b ℓ ν: its phase-space tree and its particles of status 2."""

from crosshook.core.interfaces.process import Resonance as WrittenResonance
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.decay import Decay
from crosshook.core.phase_space.propagator import Resonance
from crosshook.core.phase_space.widening_resonance import WideningResonance

TOP, W_BOSON = 6, 24


def top_tree(
    legs: tuple[Leg, Leg, Leg],
    w_boson: tuple[float, float],
    top: tuple[float, float] | None = None,
) -> Decay:
    """The tree of one top.

    |M|² depends on the top's spin through the lepton's direction alone, so that is the direction
    which is sampled; the W's helicity angle stands for the shape of the decay.

    Args:
        legs: b, charged lepton, neutrino.
        w_boson: mass and width in GeV.
        top: likewise; None where the top is the whole event, whose mass is given.
    """
    bottom, lepton, neutrino = legs
    pair = Decay(lepton, neutrino, Resonance(*w_boson))
    if top is None:
        return Decay(pair, bottom, aligned=lepton)
    return Decay(pair, bottom, WideningResonance(*top), aligned=lepton)


def written(first: int, charge: int) -> tuple[WrittenResonance, WrittenResonance]:
    """The top, or the antitop for charge -1, and its W.

    Args:
        first: number of the b among all legs; lepton and neutrino follow.
        charge: of the W.
    """
    return (
        WrittenResonance(charge * TOP, (first, first + 1, first + 2)),
        WrittenResonance(charge * W_BOSON, (first + 1, first + 2)),
    )
