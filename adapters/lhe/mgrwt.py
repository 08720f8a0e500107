"""Reads `<mgrwt>`, in which MadGraph keeps what it takes to reweight an event, when it is asked for.

<mgrwt>
<rscale>  3 0.11226451E+03</rscale>
<asrwt>0</asrwt>
<pdfrwt beam="1">  1       21 0.11720023E-01 0.11226451E+03</pdfrwt>
<pdfrwt beam="2">  1       21 0.15995845E-01 0.11226451E+03</pdfrwt>
<totfact> 0.21123008E+06</totfact>
</mgrwt>
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.attributes import read_attributes
from crosshook.adapters.lhe.numbers import integer, real
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

OPENING: Final = b"<mgrwt>"
CLOSING: Final = b"</mgrwt>"
ELEMENT: Final = re.compile(r"<(rscale|asrwt|pdfrwt|totfact)([^<>]*)>([^<]*)</\1>")
WHERE: Final = "<mgrwt>"


@dataclass(frozen=True)
class PartonFactors:
    """The parton densities of one beam that went into the weight; n of them.

    Attributes:
        pdg_id: of the partons.
        x: their momentum fractions.
        scale: the scales in GeV.
    """

    pdg_id: tuple[int, ...]
    x: tuple[float, ...]
    scale: tuple[float, ...]


@dataclass(frozen=True)
class ReweightingInfo:
    """The content of one `<mgrwt>`.

    Attributes:
        qcd_order: power of α_s that is evaluated at `renormalisation_scale`.
        renormalisation_scale: in GeV.
        vertex_scales: scales of the vertices whose α_s is evaluated at scales of their own, GeV.
        parton_factors: by beam, 1 and 2.
        total_factor: product of all densities and α_s factors in the weight, `<totfact>`.
    """

    qcd_order: int
    renormalisation_scale: float
    vertex_scales: tuple[float, ...]
    parton_factors: dict[int, PartonFactors]
    total_factor: float


def read_mgrwt(extra: bytes) -> ReweightingInfo | None:
    """The reweighting information of an event.

    Args:
        extra: the event's raw text, as in `EventBatch.raw["extra"]`.

    Returns:
        It, or None if the event has none.

    Raises:
        InputError: if it cannot be understood.
    """
    start = extra.find(OPENING)
    if start < 0:
        return None
    end = extra.find(CLOSING, start)
    if end < 0:
        message = f"{WHERE} does not end"
        raise InputError(message)
    text = extra[start:end].decode("utf-8", "surrogateescape")
    order, scale, total = 0, 0.0, 0.0
    vertices: tuple[float, ...] = ()
    beams: dict[int, PartonFactors] = {}
    for name, inside, content in ELEMENT.findall(text):
        tokens = content.split()
        where = f"{WHERE}: <{name}>"
        if name == "rscale":
            _check(tokens, 2, where)
            order, scale = integer(tokens[0], where), real(tokens[1], where)
        elif name == "asrwt":
            (vertices,) = _list(tokens, 1, where)
        elif name == "totfact":
            _check(tokens, 1, where)
            total = real(tokens[0], where)
        else:
            ids, x, q = _list(tokens, 3, where)
            beam = integer(read_attributes(inside).get("beam", "?"), f"{where}: beam")
            beams[beam] = PartonFactors(tuple(int(i) for i in ids), x, q)
    return ReweightingInfo(order, scale, vertices, dict(sorted(beams.items())), total)


def _check(tokens: Sequence[str], n: int, where: str) -> None:
    if len(tokens) < n:
        message = f"{where}: {n} numbers expected, {len(tokens)} found"
        raise InputError(message)


def _list(tokens: Sequence[str], parts: int, where: str) -> list[tuple[float, ...]]:
    """Several lists of equal length, which comes before them."""
    _check(tokens, 1, where)
    n = integer(tokens[0], where)
    if n < 0 or len(tokens) != 1 + parts * n:
        message = f"{where}: {n} announced, {len(tokens) - 1} numbers found"
        raise InputError(message)
    values = [real(token, where) for token in tokens[1:]]
    return [tuple(values[i * n : (i + 1) * n]) for i in range(parts)]
