"""Partonic processes, their diagrams and which of them share an amplitude."""

from __future__ import annotations

import pytest

from crosshook.adapters.amplicol.enumeration import Amplitude, amplitudes
from crosshook.adapters.amplicol.leading_flows import leading_flows, strings_of
from crosshook.adapters.amplicol.request import parse
from crosshook.adapters.amplicol.trees import Trees
from crosshook.core.errors import ConfigurationError


def found(text: str) -> tuple[Amplitude, ...]:
    """Amplitudes of a process in words."""
    return amplitudes(parse(text))


def members(text: str) -> set[tuple[int, ...]]:
    """Legs of all partonic processes."""
    return {member.pdg for each in found(text) for member in each.members}


def test_quarks_of_one_charge_share_the_amplitude() -> None:
    """tt̄ + jet: gg, qq̄, gq and gq̄, five flavours each; Z + jet tells up from down."""
    shares = {each.label: len(each.members) for each in found("p p > t t~ j")}
    assert sorted(shares.values()) == [1, 5, 5, 5]
    assert shares["g g > t t~ g"] == 1
    shares = {each.label: len(each.members) for each in found("p p > e- e+ j")}
    assert sorted(shares.values()) == [2, 2, 2, 3, 3, 3]
    mirrored = {m.pdg[:2]: m.mirror for a in found("p p > t t~ j") for m in a.members}
    assert mirrored[21, 21] is False
    assert all(mirror for pdg, mirror in mirrored.items() if pdg != (21, 21))


def test_w_and_two_jets() -> None:
    """Spectator quarks are alike whatever their flavour, unless the W could have come from them.

    60 processes is what expanding d u~, d c~ … by hand gives; pyAmpliCol needs 18 of them.
    """
    groups = found("p p > e- ve~ j j")
    assert (len(groups), sum(len(each.members) for each in groups)) == (18, 60)
    for each in groups:
        assert (each.trees.electroweak_order, each.trees.strong_order) == (2, 2)
        assert len({len(Trees(member.pdg).all) for member in each.members}) == 1
    shared = [
        {frozenset(member.pdg[:2]) for member in each.members}
        for each in groups
        if frozenset({1, 3}) in {frozenset(member.pdg[:2]) for member in each.members}
    ]
    assert frozenset({5, 1}) in shared[0]  # d b > e- ve~ u b goes with d s > e- ve~ u s
    # d d > e- ve~ u d has two ways to pair the quarks
    assert all(frozenset({1}) not in pairs for pairs in shared)


@pytest.mark.parametrize(
    ("pdg", "trees", "electroweak"),
    [
        ((21, 21, 6, -6), 3, 0),
        ((21, 21, 6, -6, 21), 15, 0),  # and a four-gluon vertex, which adds no propagators
        ((21, 21, 21, 21, 21, 21), 105, 0),  # 7!! cubic trees of six legs
        ((-11, 11, 13, -13), 2, 2),
        ((-11, 11, 24, -24), 3, 2),  # photon, Z, neutrino; the electron has no mass
        ((1, -1, 11, -11, 21), 4, 2),
        ((2, 1, 2, 1, 25), 2, 3),  # Higgs by fusion of Ws and of Zs
        ((21, 21, 23, 21), 0, None),  # a loop of quarks
    ],
)
def test_known_numbers_of_diagrams(
    pdg: tuple[int, ...], trees: int, electroweak: int | None
) -> None:
    found = Trees(pdg)
    assert (len(found.all), found.electroweak_order) == (trees, electroweak)


def test_other_generations_are_like_the_first() -> None:
    """… but for the top quark in the place of a massless one."""
    first = Trees((1, -2, 11, -12, 21)).signature
    assert Trees((3, -4, 13, -14, 21)).signature == first
    assert Trees((5, -6, 11, -12, 21)).signature != first
    assert Trees((-2, 1, 11, -12, 21)).signature != first


def test_impossible_and_too_many_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("u d > e- e+", "g g > z g", "e+ e- > mu+ e-"):
        with pytest.raises(ConfigurationError, match="impossible at tree level"):
            found(text)
    monkeypatch.setattr("crosshook.adapters.amplicol.enumeration.MOST", 30)
    with pytest.raises(ConfigurationError, match="more than 30"):
        found("p p > j j")


def test_interchangeable_legs_are_not_counted_twice() -> None:
    everything = members("p p > j j")
    assert len({(frozenset(p[:2]), tuple(sorted(p[2:]))) for p in everything}) == len(everything)
    assert len(members("u u~ > g g")) == 1


@pytest.mark.parametrize(
    ("pdg", "expected"),
    [
        ((21, 21, 6, -6), {((2, 0, 1, 3),), ((2, 1, 0, 3),)}),
        ((1, -1, 6, -6), {((1, 3), (2, 0))}),
        ((1, -1, 23, 22), {((1, 0),)}),
        # not (1, 0) and (2, 4, 3): what MadGraph leaves out of its events too
        ((1, -1, 6, -6, 21), {((1, 3), (2, 4, 0)), ((1, 4, 3), (2, 0))}),
        ((2, 1, 2, 1), {((2, 1), (3, 0))}),  # a gluon swaps colours
        ((2, 2, 2, 2), {((2, 1), (3, 0)), ((2, 0), (3, 1))}),
        (
            (2, 1, 2, 1, 25),
            {((2, 0), (3, 1)), ((2, 1), (3, 0))},
        ),  # Zs do not; the Ws' line is u to d
    ],
)
def test_flows_of_leading_colour(
    pdg: tuple[int, ...], expected: set[tuple[tuple[int, ...], ...]]
) -> None:
    assert leading_flows(Trees(pdg)) == {frozenset(flow) for flow in expected}


def test_flows_of_gluons_are_circles() -> None:
    """(n - 1)! of them, each from its lowest leg on."""
    trees = Trees((21,) * 5)
    found = leading_flows(trees)
    assert len(found) == 24
    assert strings_of((3, 4, 0, 2, 1), trees) in found
