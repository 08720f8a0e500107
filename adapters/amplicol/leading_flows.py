"""Which colour flows a process has at leading colour, from its trees.

Gluons are taken as pairs of a colour and an anticolour line, as in U(N). A flow that no tree has then
is suppressed by 1/N²: quarks that exchange a gluon swap their colours, and keep them with photons.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from crosshook.adapters.amplicol.particles import GLUON, anti, is_quark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.adapters.amplicol.trees import End, Tree, Trees, Vertex

String = tuple[int, ...]
"""Legs from a quark along gluons to an antiquark, or gluons in a circle from the lowest leg on."""

Flow = frozenset[String]


class _Part(NamedTuple):
    """Colour of what a line splits into.

    Attributes:
        closed: strings that are complete.
        left: what follows a string that comes in: of gluons and antiquarks.
        right: what a string goes out of: of gluons and quarks.
        through: `left` and `right` are one string, open at both ends.
    """

    closed: Flow = frozenset()
    left: String = ()
    right: String = ()
    through: bool = False


def leading_flows(trees: Trees) -> frozenset[Flow]:
    """Every flow that some tree has at leading colour."""
    return frozenset(flow for tree in trees.all for flow in _of_tree(trees, tree))


def strings_of(word: String, trees: Trees) -> Flow:
    """The strings of a word in which they stand one after another."""
    found: list[list[int]] = [[]]
    for leg in word:
        found[-1].append(leg)
        pdg = trees.legs[leg]
        if is_quark(pdg) and pdg < 0:
            found.append([])
    return frozenset(_turned(tuple(each), trees) for each in found if each)


def _turned(string: String, trees: Trees) -> String:
    """A circle of gluons begins with its lowest leg."""
    if trees.legs[string[0]] != GLUON:
        return string
    start = string.index(min(string))
    return string[start:] + string[:start]


def _of_tree(trees: Trees, tree: Tree) -> Iterator[Flow]:
    below = {vertex.whole: vertex for vertex in tree}
    (root,) = (end for end in below if end.legs == trees.everything)
    first = trees.legs[0]
    for part in _parts(trees, root, below):
        if first == GLUON:
            circle = (0, *part.left)
            string = _turned(circle, trees) if part.through else (*part.right, 0, *part.left)
            yield part.closed | {string}
        elif is_quark(first):
            string = (0, *part.left) if first > 0 else (*part.right, 0)
            yield part.closed | {string}
        else:
            yield part.closed


def _parts(trees: Trees, end: End, below: dict[End, Vertex]) -> Iterator[_Part]:
    if end not in below:
        leg = end.legs.bit_length() - 1
        string = (leg,)
        if end.pdg == GLUON:
            yield _Part(left=string, right=string, through=True)
        elif is_quark(end.pdg):
            yield _Part(right=string) if end.pdg > 0 else _Part(left=string)
        else:
            yield _Part()
        return
    one, other = below[end].parts
    for a, b in product(_parts(trees, one, below), _parts(trees, other, below)):
        if end.pdg == one.pdg == other.pdg == GLUON:
            yield _followed(a, b)
            yield _followed(b, a)
        elif is_quark(one.pdg) and other.pdg == anti(one.pdg) and end.pdg == GLUON:
            quark, antiquark = (a, b) if one.pdg > 0 else (b, a)
            yield _Part(a.closed | b.closed, antiquark.left, quark.right)
        elif is_quark(end.pdg) and GLUON in (one.pdg, other.pdg):
            quark, gluon = (a, b) if other.pdg == GLUON else (b, a)
            yield _followed(quark, gluon) if end.pdg > 0 else _followed(gluon, quark)
        elif is_quark(one.pdg) and is_quark(other.pdg):
            quark, antiquark = (a, b) if one.pdg > 0 else (b, a)
            yield _Part(a.closed | b.closed | {quark.right + antiquark.left})
        else:
            yield _Part(a.closed | b.closed, a.left + b.left, a.right + b.right)


def _followed(one: _Part, other: _Part) -> _Part:
    """Strings that go out of one part go into the other."""
    closed = one.closed | other.closed
    if one.through and other.through:
        word = one.left + other.left
        return _Part(closed, word, word, through=True)
    if one.through:
        return _Part(closed, one.left + other.left, other.right)
    if other.through:
        return _Part(closed, one.left, one.right + other.right)
    return _Part(closed | {one.right + other.left}, one.left, other.right)
