"""Propagators, told by their legs, become chains of splittings."""

from __future__ import annotations

import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.phase_space.branching import Leg
from crosshook.core.phase_space.diagram import Line, Skeleton, skeleton
from crosshook.core.phase_space.propagator import FlatPropagator, PowerPropagator, Resonance
from crosshook.core.phase_space.restrictions import Restrictions
from crosshook.core.phase_space.splitting import Splitting

MASSES = (1.0, 2.0, 3.0, 4.0)
A, B, C, D = (Leg(number, mass) for number, mass in enumerate(MASSES))
SCALE = 5.0
CUTS = {"pt_min": SCALE}
SOFT = PowerPropagator(1.0, SCALE**2)


def ordered(*legs: tuple[int, ...], masses: tuple[float, ...] = MASSES, n_in: int = 2) -> Skeleton:
    lines = [Line(frozenset(each)) for each in legs]
    return skeleton(lines, Restrictions(masses, CUTS), n_in, "here")


def test_nothing_is_flat() -> None:
    assert ordered(masses=MASSES[:2]).root == Splitting(A, B)
    assert ordered().root == Splitting(A, Splitting(B, Splitting(C, D)))


def test_pairs_and_nests() -> None:
    assert ordered((2, 3), (4, 5)).root == Splitting(Splitting(A, B, SOFT), Splitting(C, D, SOFT))
    assert ordered((2, 4), (2, 4, 5)).root == Splitting(
        Splitting(Splitting(A, C, SOFT), D, SOFT), B
    )


def test_exchanges_from_beam_one_to_beam_two() -> None:
    assert ordered((0, 2), (1, 5), (4, 3)).root == Splitting(
        Splitting(A, Splitting(B, C, SOFT), SOFT, exchange=SOFT), D, exchange=SOFT
    )
    assert ordered((1, 4)).root == Splitting(Splitting(A, Splitting(B, D)), C, exchange=SOFT)


def test_either_side_of_a_propagator_is_the_same() -> None:
    assert ordered((2, 3)).root == ordered((0, 1, 4, 5)).root
    assert ordered((0, 2)).root == ordered((1, 3, 4, 5)).root


def test_masses_and_widths() -> None:
    lines = [
        Line(frozenset({2, 3}), 91.0, 2.5),
        Line(frozenset({0, 2, 3}), 80.0, 2.0, 1.5),
        Line(frozenset({4, 5}), power=0.7),
    ]
    made = skeleton(lines, Restrictions(MASSES, CUTS), 2, "here")
    assert made.root.exchange == PowerPropagator(1.5, 80.0**2 + SCALE**2)
    assert isinstance(made.root.first, Splitting)
    assert made.root.first.propagator == Resonance(91.0, 2.5)
    assert isinstance(made.root.second, Splitting)
    assert made.root.second.propagator == PowerPropagator(0.7, SCALE**2)


def test_the_whole_final_state() -> None:
    made = ordered((2, 3, 4, 5), (2, 3))
    assert made.whole is not None
    assert made.whole.legs == {2, 3, 4, 5}
    assert made.root == Splitting(Splitting(A, B, SOFT), Splitting(C, D, FlatPropagator()))
    assert ordered((0, 1), (2, 3)).whole is not None


def test_decays_number_their_products_from_one() -> None:
    assert ordered((2, 3), masses=MASSES[:3], n_in=1).root == Splitting(Splitting(B, C, SOFT), A)
    assert ordered((0, 1), masses=MASSES[:3], n_in=1).root == Splitting(Splitting(B, C, SOFT), A)


def test_mirror_images() -> None:
    assert Line(frozenset({0, 2}), 3.0).mirrored() == Line(frozenset({1, 2}), 3.0)
    assert Line(frozenset({2, 3})).mirrored() == Line(frozenset({2, 3}))


@pytest.mark.parametrize(
    ("legs", "why"),
    [
        (((2,),), "external leg"),
        (((0, 1, 2, 3, 4),), "external leg"),
        (((0,),), "separates a beam from nothing"),
        (((2, 6),), "numbered from 0 to 5"),
        (((2, 3), (3, 4)), "cannot be in one diagram"),
        (((0, 2), (0, 3)), "cannot be in one diagram"),
        (((0, 2), (2, 3)), "cannot be in one diagram"),
        (((0, 2), (2, 3, 4)), "cannot be in one diagram"),
        (((2, 3, 4, 5), (0, 2)), "cannot be in one diagram"),
        (((2, 3), (0, 1, 4, 5)), "is there twice"),
    ],
)
def test_what_is_no_diagram(legs: tuple[tuple[int, ...], ...], why: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^here: propagator with legs .*{why}"):
        ordered(*legs)
