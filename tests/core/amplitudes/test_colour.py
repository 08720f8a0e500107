"""Colour flows from PDG ids."""

from __future__ import annotations

import pytest

from crosshook.core.amplitudes.colour import possible_flows
from crosshook.core.amplitudes.description import label_of


@pytest.mark.parametrize(
    ("pdg", "count"),
    [
        ((-11, 11, -13, 13), 1),
        ((2, -2, 11, -11), 1),
        ((2, -2, 23, 21), 1),
        ((2, -2, 6, -6), 2),
        ((21, 21, 25, 23), 1),
        ((21, 21, 6, -6), 3),
        ((21,) * 7, 0),
        ((2, 2, 6, -6), 0),
    ],
)
def test_number_of_flows(pdg: tuple[int, ...], count: int) -> None:
    """qq̄ → tt̄ has a second one, in which the quarks' line closes in the initial state."""
    assert len(possible_flows(pdg, 2)) == count


def test_lines_are_those_of_event_files() -> None:
    """A quark's colour goes on to the gluon, whose anticolour is the antiquark's."""
    (flow,) = possible_flows((2, -2, 23, 21), 2)
    (quark, none), (zero, antiquark), boson, gluon = flow
    assert (none, zero, boson) == (0, 0, (0, 0))
    assert gluon == (quark, antiquark)
    assert quark != antiquark


def test_a_decay_has_its_colour_from_what_decays() -> None:
    assert possible_flows((6, 5, -11, 12), 1) == (((501, 0), (501, 0), (0, 0), (0, 0)),)


def test_labels() -> None:
    assert label_of((21, 21, 6, -6), 2) == "g g > t t~"
    assert label_of((6, 24, 5), 1) == "t > W+ b"
    assert label_of((21, 21, 99999999), 2) == "g g > 99999999"
