"""Three-point vertices of the Standard Model: what two particles may have come from.

Four-point vertices join the same legs as pairs of these and are not needed to know which processes
there are and where their propagators lie.
"""

from __future__ import annotations

from functools import cache

from crosshook.adapters.amplicol.particles import (
    GLUON,
    HIGGS,
    PHOTON,
    TOP,
    W,
    Z,
    anti,
    conserved,
    is_charged,
    is_fermion,
    is_quark,
    partner,
)

QCD, ELECTROWEAK = 0, 1
"""Electroweak order of a vertex."""


@cache
def parents(one: int, other: int) -> tuple[tuple[int, int], ...]:
    """The particles that may split into two.

    Args:
        one: PDG id of an outgoing particle.
        other: and of the other.

    Returns:
        PDG id of each parent, and the electroweak order of the vertex.
    """
    if is_fermion(one) and is_fermion(other):
        return _of_fermions(one, other)
    if is_fermion(other):
        one, other = other, one
    if is_fermion(one):
        return _of_fermion_and_boson(one, other)
    return _of_bosons(one, other)


def _of_fermions(one: int, other: int) -> tuple[tuple[int, int], ...]:
    if other == -one:
        found = []
        if is_quark(one):
            found.append((GLUON, QCD))
        if is_charged(one):
            found.append((PHOTON, ELECTROWEAK))
        found.append((Z, ELECTROWEAK))
        if abs(one) == TOP:
            found.append((HIGGS, ELECTROWEAK))
        return tuple(found)
    if one * other < 0 and other == -partner(one):
        charge = conserved(one)[0] + conserved(other)[0]
        return ((W if charge > 0 else -W, ELECTROWEAK),)
    return ()


def _of_fermion_and_boson(fermion: int, boson: int) -> tuple[tuple[int, int], ...]:
    if boson == GLUON:
        return ((fermion, QCD),) if is_quark(fermion) else ()
    if boson == PHOTON:
        return ((fermion, ELECTROWEAK),) if is_charged(fermion) else ()
    if boson == Z or (boson == HIGGS and abs(fermion) == TOP):
        return ((fermion, ELECTROWEAK),)
    if abs(boson) == W:
        other = partner(fermion)
        if conserved(other)[0] == conserved(fermion)[0] + conserved(boson)[0]:
            return ((other, ELECTROWEAK),)
    return ()


def _of_bosons(one: int, other: int) -> tuple[tuple[int, int], ...]:
    pair = {one, other}
    if pair == {GLUON}:
        return ((GLUON, QCD),)
    if pair == {W, -W}:
        return ((PHOTON, ELECTROWEAK), (Z, ELECTROWEAK), (HIGGS, ELECTROWEAK))
    if pair in ({Z}, {HIGGS}):
        return ((HIGGS, ELECTROWEAK),)
    if pair == {Z, HIGGS}:
        return ((Z, ELECTROWEAK),)
    charged = [p for p in pair if abs(p) == W]
    if len(charged) == 1 and pair - set(charged) <= {PHOTON, Z, HIGGS}:
        return ((charged[0], ELECTROWEAK),)
    return ()


def outgoing(pdg: tuple[int, ...], incoming: int) -> tuple[int, ...]:
    """All legs as outgoing particles: incoming ones become their antiparticles."""
    return (*(anti(p) for p in pdg[:incoming]), *pdg[incoming:])
