"""The surrogate as the source of a C library that speaks UMAMI: umami.c and the numbers it needs."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Final

from crosshook.core.surrogates.c_library import CSource
from crosshook.plugins.surrogate.pair_invariants import SMALLEST, pairs
from crosshook.plugins.surrogate.relabelling import linear_form

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from crosshook.plugins.surrogate.learned import Learned


MAIN: Final = "umami.c"


def c_source(learned: Learned) -> CSource:
    """The source of what a training left."""
    main = (files("crosshook.plugins.surrogate") / MAIN).read_text("utf-8")
    texts = {MAIN: main, "surrogate.h": _header(learned)}
    return CSource(MAIN, texts, learned.pdg, learned.qcd_order, learned.n_incoming)


def _header(learned: Learned) -> str:
    """surrogate.h: numbers as hexadecimal floats, which keep every bit."""
    legs, form = len(learned.pdg[0]), learned.form
    matrices, offsets = learned.amplitude.matrices, learned.amplitude.offsets
    sizes = [matrices[0].shape[0], *(matrix.shape[1] for matrix in matrices)]
    about = "; ".join(
        f"{number}: {' '.join(map(str, pdg))}, alpha_s^{order}"
        for number, (pdg, order) in enumerate(zip(learned.pdg, learned.qcd_order, strict=True))
    )
    return f"""/* FLAVOR_INDEX and PDG ids of the legs, incoming first: {about} */
#define LEGS {legs}
#define INCOMING {learned.n_incoming}
#define PAIRS {len(pairs(legs))}
#define SUBPROCESSES {len(learned.pdg)}
#define FEATURES {sizes[0]}
#define LAYERS {len(matrices)}
#define WIDEST {max(sizes)}
#define STRONG {int(any(learned.qcd_order))}
#define DIMENSION {form.dimension}
#define SMALLEST {SMALLEST!r}
#define SPREAD {float(learned.spread).hex()}
static const double form[] = {{{_row(linear_form(legs, learned.n_incoming))}}};
{_subprocesses(learned)}
static const double centre[] = {{{_numbers(learned.centre)}}};
static const double width[] = {{{_numbers(learned.width)}}};
static const int sizes[] = {{{", ".join(map(str, sizes))}}};
static const double matrices[] = {{{_numbers(*(matrix.T for matrix in matrices))}}};
static const double offsets[] = {{{_numbers(*offsets)}}};
"""


def _subprocesses(learned: Learned) -> str:
    """Labellings and ansatz of each, with where they begin in tables of all."""
    rows: list[str] = []
    entries: list[str] = []
    monomials: list[str] = []
    factors: list[str] = []
    subprocesses: list[str] = []
    for number, chooser in enumerate(learned.form.choosers):
        table = chooser.table.tolist()
        first = len(factors)
        for coefficient, matrix in learned.form.ansatz[number].factors:
            begin = len(monomials)
            for powers in matrix.T.tolist():
                own = [f"{{{pair}, {int(power)}}}" for pair, power in enumerate(powers) if power]
                monomials.append(f"{{{len(entries)}, {len(entries) + len(own)}}}")
                entries += own
            factors.append(f"{{{coefficient!r}, {begin}, {len(monomials)}}}")
        order = learned.qcd_order[number]
        offset, sign = float(learned.offset[number]).hex(), float(learned.sign[number]).hex()
        known = (len(table), len(rows), first, len(factors), order, offset, sign)
        subprocesses.append(f"{{{', '.join(map(str, known))}}}")
        rows += [f"{{{', '.join(map(str, row))}}}" for row in table]
    tables = (
        ("short labellings[][PAIRS]", rows),
        ("Entry entries[]", entries),
        ("Monomial monomials[]", monomials),
        ("Factor factors[]", factors),
        ("Subprocess subprocesses[]", subprocesses),
    )
    # C knows no empty table; without an ansatz, nothing looks at what stands there then.
    return "\n".join(
        f"static const {name} = {{{', '.join(each) or '{0}'}}};" for name, each in tables
    )


def _numbers(*tensors: Tensor) -> str:
    return _row(number for each in tensors for number in each.double().flatten().tolist())


def _row(numbers: Iterable[float]) -> str:
    return ",\n".join(float(number).hex() for number in numbers)
